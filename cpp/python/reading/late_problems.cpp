#include "python/reading/late_problems.hpp"

#include <string>
#include <utility>
#include <vector>

#include "python/values/text.hpp"

namespace attolog::python {
namespace {

int warn_now(void* text) {
  const std::unique_ptr<std::string> owner(static_cast<std::string*>(text));
  PyObject* const shown = from_wtf8(*owner);
  const int result = shown == nullptr ? -1 : PyErr_WarnFormat(PyExc_UserWarning, 1, "%U", shown);
  Py_XDECREF(shown);
  return result;
}

class WarningStream final : public BatchStream {
 public:
  WarningStream(std::shared_ptr<const JournalReader> journal, std::size_t known,
                std::unique_ptr<BatchStream> rows)
      : journal_(std::move(journal)), rows_(std::move(rows)), known_(known) {}

  const std::vector<Field>& fields() const override { return rows_->fields(); }
  bool next(Batch& batch) override {
    if (rows_->next(batch)) return true;
    const std::vector<std::string> problems = journal_->problems();
    if (problems.size() > known_) tell(problems);
    known_ = problems.size();
    return false;
  }

 private:
  // The consumer may hold the GIL or not, and may be any thread: so nobody waits for it here.
  void tell(const std::vector<std::string>& problems) const {
    const std::size_t more = problems.size() - known_ - 1;
    auto text = std::make_unique<std::string>(problems[known_]);
    if (more != 0) *text += " (and " + std::to_string(more) + " more, see .problems)";
    if (Py_AddPendingCall(warn_now, text.get()) == 0) static_cast<void>(text.release());
  }

  std::shared_ptr<const JournalReader> journal_;
  std::unique_ptr<BatchStream> rows_;
  std::size_t known_;
};

}  // namespace

std::unique_ptr<BatchStream> warn_at_end(std::shared_ptr<const JournalReader> journal,
                                         std::size_t known, std::unique_ptr<BatchStream> rows) {
  return std::make_unique<WarningStream>(std::move(journal), known, std::move(rows));
}

}  // namespace attolog::python
