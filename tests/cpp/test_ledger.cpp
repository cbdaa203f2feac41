#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <optional>
#include <string>

#include "check.hpp"
#include "core/ledger.hpp"
#include "temp.hpp"

using namespace attolog;

namespace {

const Intent kIntent{"1-a.session", 7, {1, 2, 3}, 100, 50, 0xabcd};

bool is_it(const std::optional<Intent>& found) {
  return found && found->session == kIntent.session && found->batch == kIntent.batch &&
         found->file == kIntent.file && found->offset == kIntent.offset &&
         found->length == kIntent.length && found->checksum == kIntent.checksum;
}

}  // namespace

static const check::Test shared{
    "an intent is open for all processes until it is closed", [] {
      const temp::Folder folder;
      Ledger ledger(folder.path(), kIntent.file);
      check::that(!ledger.intent());
      const int status = temp::in_child([&] { Ledger(folder.path(), kIntent.file).open(kIntent); });
      check::equal(status, 0);
      check::that(is_it(ledger.intent()));
      check::that(is_it(Ledger::look(folder.path(), kIntent.file)));
      ledger.close();
      check::that(!ledger.intent());
      check::that(!Ledger::look(folder.path(), kIntent.file));
    }};

static const check::Test apart{"log files have ledgers of their own", [] {
                                 const temp::Folder folder;
                                 const FileId other{1, 2, 4};
                                 Ledger(folder.path(), kIntent.file).open(kIntent);
                                 check::that(is_it(Ledger::look(folder.path(), kIntent.file)));
                                 check::that(!Ledger::look(folder.path(), other));
                               }};

static const check::Test damaged{
    "wherever a byte of it is damaged there is no intent, and a closed one stays closed", [] {
      const temp::Folder folder;
      const std::string path = file_about(folder.path(), kIntent.file, kLedgerSuffix);
      Ledger ledger(folder.path(), kIntent.file);
      ledger.open(kIntent);
      const std::string page = temp::read_file(path);
      const std::size_t size = page.find_last_not_of('\0') + 1;
      for (std::size_t at = 0; at < size; ++at) {
        std::string bad = page;
        bad[at] = static_cast<char>(bad[at] ^ 0x40);
        temp::write_file(path, bad);
        check::that(!Ledger::look(folder.path(), kIntent.file));
      }
      temp::write_file(path, page);
      check::that(is_it(Ledger::look(folder.path(), kIntent.file)));
      Ledger again(folder.path(), kIntent.file);
      again.close();
      std::string closed = temp::read_file(path);
      const std::uint64_t stray = 1;
      std::memcpy(closed.data(), &stray, sizeof stray);
      temp::write_file(path, closed);
      check::that(!Ledger::look(folder.path(), kIntent.file));
    }};

static const check::Test hostile{
    "a ledger full of nonsense, or a short one, has no intent", [] {
      const temp::Folder folder;
      const std::string path = file_about(folder.path(), kIntent.file, kLedgerSuffix);
      for (const auto& bytes : {std::string(4096, '\xff'), std::string("short")}) {
        temp::write_file(path, bytes);
        check::that(!Ledger::look(folder.path(), kIntent.file));
        check::that(!Ledger(folder.path(), kIntent.file).intent());
      }
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
