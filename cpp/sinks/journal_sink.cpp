// The sink that writes a journal.
#include "journal/journal.hpp"
#include "sinks/sink.hpp"

namespace attolog {
namespace {

class JournalSink final : public Sink {
 public:
  JournalSink(std::uint64_t run_id, std::uint32_t pid) : encoder_(run_id, pid) {}

  void append(const Record& record, Buffer& out) override { encoder_.append(record, out); }
  void finish(Buffer& out) override { encoder_.finish(out); }
  void abandon() override { encoder_.abandon(); }

 private:
  BlockEncoder encoder_;
};

}  // namespace

std::unique_ptr<Sink> make_journal_sink(std::uint64_t run_id, std::uint32_t pid) {
  return std::make_unique<JournalSink>(run_id, pid);
}

}  // namespace attolog
