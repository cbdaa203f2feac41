#include "writer/control.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <new>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "core/checksum.hpp"
#include "core/clock.hpp"
#include "core/cut.hpp"
#include "core/folder.hpp"

namespace attolog {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kPageSuffix = ".ctl";
constexpr std::string_view kAskSuffix = ".ask";
constexpr std::string_view kCut = "... [cut]\n";
constexpr milliseconds kPause{2};         // between two looks at what another process does
constexpr milliseconds kLastWait{1'000};  // for the answer of a process that has taken the request

std::string join(const std::string& folder, std::string_view name, std::string_view suffix) {
  return folder + "/" + std::string(name) + std::string(suffix);
}

// What the process was started with, with spaces between the parts; "" where the system does not
// say.
void copy_command(char (&to)[256]) {
  std::size_t size = read_system_file("/proc/self/cmdline").copy(to, sizeof to - 1);
  while (size > 0 && to[size - 1] == '\0') --size;
  std::replace(to, to + size, '\0', ' ');
  const std::size_t kept = cut_text({to, size}, sizeof to - 2).size();
  std::fill(to + kept, to + sizeof to, '\0');
}

// The first lines of `text` and a word about those left out, `room` bytes in all.
std::string cut_lines(std::string_view text, std::size_t room) {
  const std::string_view kept = text.substr(0, room - kCut.size());
  const std::size_t end = kept.rfind('\n');
  return std::string(kept.substr(0, end == kept.npos ? 0 : end + 1)) + std::string(kCut);
}

// A page as another process sees it.
struct PageView {
  std::string name;  // without suffix
  File file;
  Mapping mapping;  // the header
  ControlEntry entry;

  ControlHeader& header() const { return *reinterpret_cast<ControlHeader*>(mapping.data()); }
};

// Whether the process that made the page lives.
bool is_alive(PageView& page) {
  if (!page.file.try_lock_shared()) return true;
  page.file.unlock();
  return false;
}

// `name` is a page's, with a dot in front where create() did not get to its end.
void remove_page(const std::string& folder, std::string_view name) {
  const std::string_view final_name = name.substr(name.starts_with('.') ? 1 : 0);
  ::unlink(join(folder, final_name, kAskSuffix).c_str());
  ::unlink(join(folder, name, kPageSuffix).c_str());
}

// Looks at a page, which may be damaged; nothing where it is none.
std::optional<PageView> open_page(const std::string& folder, const std::string& file) {
  PageView page;
  page.name = file.substr(0, file.size() - kPageSuffix.size());
  page.file = File::open(join(folder, file, ""), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (!page.file) return std::nullopt;
  const bool is_dead = page.file.try_lock();
  if (is_dead) remove_page(folder, page.name);
  struct stat info{};
  if (page.name.starts_with('.') || ::fstat(page.file.fd(), &info) != 0 ||
      static_cast<std::size_t>(info.st_size) < ControlPage::kAnswerAt) {
    return std::nullopt;
  }
  page.mapping = Mapping::of(page.file.fd(), ControlPage::kAnswerAt, true);
  const ControlHeader& header = page.header();
  if (header.magic != ControlHeader::kMagic ||
      !page.name.starts_with(std::to_string(header.pid) + "-")) {
    return std::nullopt;
  }
  page.entry = {header.pid,
                {header.command, ::strnlen(header.command, sizeof header.command)},
                header.started_ns,
                !is_dead};
  std::ranges::replace_if(
      page.entry.command, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, '?');
  return page;
}

// The oldest first.
std::vector<PageView> open_pages(const std::string& root) {
  std::vector<PageView> pages;
  const std::string folder = control_folder(root, false);
  if (folder.empty()) return pages;
  for (const std::string& file : list_files(folder, kPageSuffix)) {
    if (auto page = open_page(folder, file)) pages.push_back(std::move(*page));
  }
  remove_if_empty(folder);
  std::ranges::sort(pages, {}, [](const PageView& page) { return page.entry.started_ns; });
  return pages;
}

// Waits until `condition` holds; false where it does not before the deadline.
template <class Condition>
bool wait_for(std::chrono::steady_clock::time_point deadline, const Condition& condition) {
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kPause);
  }
  return true;
}

// By this a process knows a request over which the next client was already writing.
std::uint32_t checksum_of(std::uint64_t number, std::string_view request) {
  return crc32c(request, static_cast<std::uint32_t>(number));
}

// Returns the request's number. The caller holds the clients' lock.
std::uint64_t put_request(ControlHeader& header, std::string_view request) {
  const std::uint64_t number = header.counted.load(std::memory_order_relaxed) + 1;
  header.counted.store(number, std::memory_order_relaxed);
  // acq_rel: a client that was killed may have left one, which is not to be taken while it changes.
  header.asked.exchange(0, std::memory_order_acq_rel);
  if (!request.empty()) std::memcpy(header.request, request.data(), request.size());
  header.request_size.store(static_cast<std::uint32_t>(request.size()), std::memory_order_relaxed);
  header.request_checksum.store(checksum_of(number, request), std::memory_order_relaxed);
  header.asked.store(number, std::memory_order_release);  // pairs with request
  return number;
}

// Not through a mapping: the file may be damaged, and shorter than it says.
std::optional<std::string> read_answer(const PageView& page) {
  const std::uint64_t size = page.header().answer_size.load(std::memory_order_relaxed);
  if (size > ControlPage::kMostAnswer) return std::nullopt;
  std::string text(size, '\0');
  if (!read_at(page.file.fd(), text.data(), size, ControlPage::kAnswerAt)) return std::nullopt;
  return text;
}

}  // namespace

std::unique_ptr<ControlPage> ControlPage::create(const std::string& root) {
  for (;;) {
    std::unique_ptr<ControlPage> page(new ControlPage());
    page->folder_ = control_folder(root, true);
    const std::string name = std::to_string(::getpid()) + "-" + random_hex();
    page->name_ = "." + name;  // nobody may find it before it is locked, or it would look dead
    const std::string fresh = join(page->folder_, page->name_, kPageSuffix);
    try {
      page->lock_ = create_file(fresh, kAnswerAt + kAnswerStep);
      create_file(join(page->folder_, name, kAskSuffix), 0);
    } catch (const std::system_error& error) {
      // Somebody has just removed the folder, which was empty.
      if (error.code() == std::errc::no_such_file_or_directory) continue;
      throw;
    }
    if (!page->lock_.lock(std::chrono::seconds(1))) continue;
    page->mapping_ = Mapping::private_of(page->lock_.fd(), kAnswerAt + kMostAnswer, true);
    auto* header = new (page->mapping_.data()) ControlHeader{};
    header->pid = static_cast<std::uint32_t>(::getpid());
    header->started_ns = static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME));
    copy_command(header->command);
    header->magic = ControlHeader::kMagic;
    const std::string path = join(page->folder_, name, kPageSuffix);
    if (::rename(fresh.c_str(), path.c_str()) == 0) {
      page->name_ = name;
      return page;
    }
    if (errno != ENOENT) fail(path);
    // Somebody has looked at it before it was locked, and taken it for a dead one.
  }
}

ControlPage::~ControlPage() {
  if (name_.empty()) return;
  try {
    remove_page(folder_, name_);
    remove_if_empty(folder_);
  } catch (const std::exception&) {
    // No memory: the next process to log removes it, as it does those of killed ones.
  }
}

void ControlPage::close_in_child() {
  lock_.close();
  mapping_.forget();
  name_.clear();
}

std::optional<std::string> ControlPage::accept(std::uint64_t asked) {
  ControlHeader& from = header();
  const std::size_t size = from.request_size.load(std::memory_order_relaxed);
  std::string text(from.request, std::min(size, sizeof from.request));
  const std::uint32_t checksum = from.request_checksum.load(std::memory_order_relaxed);
  // acq_rel: what was copied was copied before, and no client changes it while its number stands.
  // Another value there: the client has withdrawn it.
  if (!from.asked.compare_exchange_strong(asked, 0, std::memory_order_acq_rel)) return std::nullopt;
  if (size > sizeof from.request || checksum != checksum_of(asked, text)) return std::nullopt;
  accepted_ = asked;
  return text;
}

void ControlPage::answer(std::string_view text) {
  make_room(text.size());
  std::string cut;
  if (text.size() > room_) text = cut = cut_lines(text, room_);
  if (!text.empty()) std::memcpy(mapping_.data() + kAnswerAt, text.data(), text.size());
  header().answer_size.store(text.size(), std::memory_order_relaxed);
  header().answered.store(accepted_, std::memory_order_release);  // pairs with ask
}

void ControlPage::make_room(std::size_t size) {
  const std::size_t steps = (std::min(size, kMostAnswer) + kAnswerStep - 1) / kAnswerStep;
  const std::size_t wanted = steps * kAnswerStep;
  if (wanted <= room_) return;
  try {
    // The program may have closed it; the lock stays, for the mapping holds it as well.
    if (!lock_.restore(join(folder_, name_, kPageSuffix), O_RDWR | O_CLOEXEC | O_NOFOLLOW)) return;
    allocate(lock_.fd(), kAnswerAt + room_, wanted - room_);
    room_ = wanted;
  } catch (const std::system_error&) {
    // No room to be had: the answer is cut.
  }
}

std::vector<ControlEntry> list_processes(const std::string& root) {
  std::vector<ControlEntry> entries;
  for (PageView& page : open_pages(root)) entries.push_back(std::move(page.entry));
  return entries;
}

Reply ask(const std::string& root, std::uint32_t pid, std::string_view request, int timeout_ms) {
  if (request.size() > ControlHeader::kMostRequest) {
    throw std::invalid_argument("a request has " + std::to_string(ControlHeader::kMostRequest) +
                                " bytes at most");
  }
  const auto deadline = std::chrono::steady_clock::now() + milliseconds(timeout_ms);
  auto pages = open_pages(root);
  const auto page = std::ranges::find_if(
      pages, [pid](const PageView& seen) { return seen.entry.pid == pid && seen.entry.is_alive; });
  if (page == pages.end()) return {};
  const std::string lock_path = join(control_folder(root, false), page->name, kAskSuffix);
  File ours = File::open(lock_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (!ours || !wait_for(deadline, [&] { return ours.try_lock(); })) return {};
  const std::uint64_t number = put_request(page->header(), request);
  const auto is_answered = [&] {
    // acquire: pairs with answer; the answer is complete.
    return page->header().answered.load(std::memory_order_acquire) == number;
  };
  const auto is_over = [&] { return is_answered() || !is_alive(*page); };
  if (!wait_for(deadline, is_over)) {
    std::uint64_t waiting = number;
    // acq_rel: pairs with take. Either it is withdrawn, or the process has it.
    if (page->header().asked.compare_exchange_strong(waiting, 0, std::memory_order_acq_rel))
      return {};
    wait_for(std::chrono::steady_clock::now() + std::max(kLastWait, milliseconds(timeout_ms)),
             is_over);
  }
  if (is_answered()) {
    if (auto text = read_answer(*page)) return {Reply::State::answered, std::move(*text)};
  } else if (!is_alive(*page)) {
    return {};
  }
  return {Reply::State::accepted, ""};
}

}  // namespace attolog
