#include "shm/ledger.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <utility>

#include "core/checksum.hpp"
#include "core/folder.hpp"
#include "shm/ring.hpp"

namespace attolog {

struct Ledger::Page {
  // 0: closed, also in a new file. Else the checksum of all below, in its lower half, so that no
  // stray store opens an old intent again. release: the intent is complete; acquired by read.
  std::atomic<std::uint64_t> seal;
  std::uint64_t batch;
  FileId file;
  std::uint64_t offset;
  std::uint64_t length;
  std::uint32_t checksum;
  char session[256];
};

namespace {

constexpr std::uint64_t kSealed = std::uint64_t{1} << 32;

}  // namespace

std::string file_about(const std::string& folder, const std::string& log_path,
                       std::string_view suffix) {
  std::string name = log_path.substr(log_path.rfind('/') + 1);
  // A file system's longest name leaves no room for the suffix.
  if (name.size() > 64) name = name.substr(0, 64) + "-" + hex(crc32c(name));
  return folder + "/" + name + std::string(suffix);
}

std::optional<Intent> Ledger::read(const Page& page) {
  const std::uint64_t seal = page.seal.load(std::memory_order_acquire);
  if (seal == 0) return std::nullopt;
  const auto* bytes = reinterpret_cast<const char*>(&page);
  constexpr std::size_t kFrom = offsetof(Page, batch);
  if (seal != (kSealed | crc32c({bytes + kFrom, sizeof(Page) - kFrom}))) return std::nullopt;
  return Intent{{page.session, ::strnlen(page.session, sizeof page.session)},
                page.batch,
                page.file,
                page.offset,
                page.length,
                page.checksum};
}

std::vector<Intent> Ledger::open_intents(const std::string& folder) {
  std::vector<Intent> intents;
  for (const std::string& name : list_files(folder, kLedgerSuffix)) {
    const File ledger = File::open_if_there(folder + "/" + name);
    struct stat info{};
    if (!ledger || ::fstat(ledger.fd(), &info) != 0 ||
        static_cast<std::size_t>(info.st_size) < sizeof(Page)) {
      continue;
    }
    const Mapping mapping = Mapping::private_of(ledger.fd(), sizeof(Page), false);
    if (auto intent = read(*reinterpret_cast<const Page*>(mapping.data())))
      intents.push_back(std::move(*intent));
  }
  return intents;
}

Ledger::Ledger(const std::string& folder, const std::string& log_path) {
  const std::string path = file_about(folder, log_path, kLedgerSuffix);
  const File file = File::open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (!file) fail(path);
  ::fchmod(file.fd(), 0600);
  allocate(file.fd(), 0, kPage);
  mapping_ = Mapping::private_of(file.fd(), kPage, true);
}

void Ledger::open(const Intent& intent) {
  Page& p = page();
  p.seal.store(0, std::memory_order_relaxed);  // a kill in here leaves none
  std::atomic_signal_fence(std::memory_order_seq_cst);
  p.batch = intent.batch;
  p.file = intent.file;
  p.offset = intent.offset;
  p.length = intent.length;
  p.checksum = intent.checksum;
  std::memset(p.session, 0, sizeof p.session);
  intent.session.copy(p.session, sizeof p.session - 1);
  const auto* bytes = reinterpret_cast<const char*>(&p);
  constexpr std::size_t kFrom = offsetof(Page, batch);
  const std::uint64_t seal = kSealed | crc32c({bytes + kFrom, sizeof(Page) - kFrom});
  p.seal.store(seal, std::memory_order_release);
}

void Ledger::close() {
  // release: what the intent led to is stored before it is gone.
  page().seal.store(0, std::memory_order_release);
}

}  // namespace attolog
