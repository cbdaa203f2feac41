#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "check.hpp"
#include "shm/ledger.hpp"
#include "temp.hpp"

using namespace attolog;

namespace {

const Intent kIntent{"1-a.session", 7, {1, 2, 3}, 100, 50, 0xabcd};
const std::string kLog = "/logs/run.csv";

bool is_it(const std::optional<Intent>& found) {
  return found && found->session == kIntent.session && found->batch == kIntent.batch &&
         found->file == kIntent.file && found->offset == kIntent.offset &&
         found->length == kIntent.length && found->checksum == kIntent.checksum;
}

// In any ledger of the folder.
std::optional<Intent> look(const temp::Folder& folder) {
  const std::vector<Intent> all = Ledger::open_intents(folder.path());
  return all.empty() ? std::nullopt : std::optional(all.at(0));
}

}  // namespace

static const check::Test shared{
    "an intent is open for all processes until it is closed", [] {
      const temp::Folder folder;
      Ledger ledger(folder.path(), kLog);
      check::that(!ledger.intent());
      const int status = temp::in_child([&] { Ledger(folder.path(), kLog).open(kIntent); });
      check::equal(status, 0);
      check::that(is_it(ledger.intent()));
      check::that(is_it(look(folder)));
      ledger.close();
      check::that(!ledger.intent());
      check::that(!look(folder));
    }};

static const check::Test apart{"log files have ledgers of their own, whatever their names", [] {
                                 const temp::Folder folder;
                                 const std::string longest = "/logs/" + std::string(255, 'x');
                                 const std::string other = longest.substr(0, 260) + "y";
                                 Ledger(folder.path(), longest).open(kIntent);
                                 check::that(is_it(Ledger(folder.path(), longest).intent()));
                                 check::that(!Ledger(folder.path(), other).intent());
                                 check::that(!Ledger(folder.path(), kLog).intent());
                                 check::that(is_it(look(folder)));
                               }};

static const check::Test damaged{
    "wherever a byte of it is damaged there is no intent, and a closed one stays closed", [] {
      const temp::Folder folder;
      const std::string path = file_about(folder.path(), kLog, kLedgerSuffix);
      Ledger ledger(folder.path(), kLog);
      ledger.open(kIntent);
      const std::string page = temp::read_file(path);
      const std::size_t size = page.find_last_not_of('\0') + 1;
      for (std::size_t at = 0; at < size; ++at) {
        std::string bad = page;
        bad[at] = static_cast<char>(bad[at] ^ 0x40);
        temp::write_file(path, bad);
        check::that(!look(folder));
      }
      temp::write_file(path, page);
      check::that(is_it(look(folder)));
      Ledger again(folder.path(), kLog);
      again.close();
      std::string closed = temp::read_file(path);
      const std::uint64_t stray = 1;
      std::memcpy(closed.data(), &stray, sizeof stray);
      temp::write_file(path, closed);
      check::that(!look(folder));
    }};

static const check::Test hostile{
    "a ledger full of nonsense, or a short one, has no intent", [] {
      const temp::Folder folder;
      const std::string path = file_about(folder.path(), kLog, kLedgerSuffix);
      for (const auto& bytes : {std::string(4096, '\xff'), std::string("short")}) {
        temp::write_file(path, bytes);
        check::that(!look(folder));
        check::that(!Ledger(folder.path(), kLog).intent());
      }
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
