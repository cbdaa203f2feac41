// A channel's beginning: its file, its session, what dead processes left for it.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/folder.hpp"
#include "core/report.hpp"
#include "journal/parts.hpp"
#include "writer/capture.hpp"
#include "writer/channel.hpp"
#include "writer/recovery.hpp"
#include "writer/run_id.hpp"

namespace attolog {

namespace {

std::atomic<std::uint64_t> next_channel{1};

// How long a start waits for the file's lock. It goes on without: records wait.
constexpr std::chrono::milliseconds kStartPatience{1'000};

// A log without a file has none to lie beside.
RingPlace circular_place(const ChannelOptions& options) {
  return {user_folder(options.ring_dir.empty() ? default_ring_root() : options.ring_dir)};
}

}  // namespace

Channel::Channel(const ChannelOptions& options, std::uint64_t number, Waker& waker)
    : id(number), options_(options), waker_(waker) {}

std::shared_ptr<Channel> Channel::open(const ChannelOptions& options, Waker& waker,
                                       Inherited inherited) {
  std::shared_ptr<Channel> channel(new Channel(options, next_channel.fetch_add(1), waker));
  hold_reserve();
  try {
    channel->open_session(std::move(inherited));
  } catch (...) {
    channel->remove_session();
    throw;
  }
  return channel;
}

std::shared_ptr<Channel> Channel::reopen(Waker& waker) {
  ChannelOptions options = options_;
  if (options_.format != Format::none) options.path = main_path_;
  options.append = true;
  Inherited inherited;
  inherited.is_fork = true;
  if (output_ != nullptr) inherited.file = output_->release_file();
  if (session_ != nullptr && !session_->name().empty()) {
    // Not as it is now: a thread that the child does not have may have been at changing it.
    inherited.folder = first_folder_;
    inherited.session = session_->file_name();
  }
  return open(options, waker, std::move(inherited));
}

std::shared_ptr<Channel> Channel::successor() const {
  std::shared_ptr<Channel> next(new Channel(options_, next_channel.fetch_add(1), waker_));
  next->main_path_ = main_path_;
  next->target_ = target_;
  next->forked_.store(true, std::memory_order_relaxed);
  return next;
}

Channel::~Channel() {
  if (session_ && !is_forked()) site_registry().detach(*session_);
}

Producer* Channel::attach(std::uint64_t thread_id, std::string_view thread_name) {
  if (is_forked() || is_closed()) return nullptr;
  return rings_->attach(thread_id, thread_name);
}

LogTarget target_of(const ChannelOptions& options, const std::string& path) {
  return {path,
          static_cast<std::uint8_t>(options.format),
          static_cast<std::uint8_t>(options.sink.digits),
          static_cast<std::uint16_t>(options.sink.columns),
          options.sink.pattern,
          run_id(),
          static_cast<std::uint32_t>(::getpid()),
          static_cast<std::uint8_t>(options.sink.weight ? 1 : 0),
          {}};
}

void Channel::open_file(File inherited) {
  if (inherited) {
    main_path_ = options_.path;
  } else if (!options_.path.empty()) {
    const std::filesystem::path given(options_.path);
    if (given.has_parent_path()) std::filesystem::create_directories(given.parent_path());
    main_path_ = real_log_path(options_.path);
  }
  try {
    output_ = std::make_unique<Output>(main_path_);
  } catch (const std::system_error& error) {
    // A child that has given up its rights, or has no descriptor left, still has what its parent
    // opened.
    const int number = error.code().value();
    if (!inherited || (number != EACCES && number != EMFILE && number != ENFILE)) throw;
    output_ = std::make_unique<Output>(std::move(inherited), main_path_);
  }
}

// What dead processes have left for the file goes into it first. How many living ones write it.
std::uint64_t Channel::recover_leftovers(const std::vector<RingPlace>& places) {
  std::uint64_t living = 0;
  for (const RingPlace& place : places) {
    try {
      const std::string folder = log_folder(place, "", output_->id(), false);
      if (folder.empty()) continue;
      const Recovery recovered = recover(folder, main_path_, {.log_fd = output_->fd()});
      for (const std::string& message : recovered.messages) report(message);
      living += recovered.living;
    } catch (const std::runtime_error&) {
      continue;  // who makes a session there is told
    }
  }
  return living;
}

// The session, the ledger and a first ring. `needs_ring`: there has to be room for one as large as
// rings become.
void Channel::create_session_in(const RingPlace& place, const FileId& main, bool needs_ring) {
  const std::string name = main_path_.substr(main_path_.rfind('/') + 1);
  if (!options_.ring_dir.empty()) std::filesystem::create_directories(options_.ring_dir);
  LockedFolder held = lock_log_folder(place, name, main);
  const std::string& folder = held.path;
  try {
    if (output_) target_.file = known_in(place, output_->id());
    make_session(folder);
    if (output_) output_->keep_ledger(folder, target_.path == main_path_);
    if (needs_ring) rings_->add_first();
  } catch (const std::exception&) {
    rings_.reset();
    if (session_) session_->remove();
    session_.reset();
    held.lock.close();
    tidy(folder);
    throw;
  }
}

// Why the first places would not do; "" if the first one did.
std::string Channel::create_session(const std::vector<RingPlace>& places, const FileId& main) {
  std::string reason;
  // Where there is no room for a ring there may be some for a smaller one.
  for (const bool needs_ring : {true, false}) {
    for (const RingPlace& place : places) {
      try {
        create_session_in(place, main, needs_ring);
        return reason;
      } catch (const std::exception& error) {
        reason = error.what();
      }
    }
  }
  if (!places.empty()) {
    report_once("in memory", main_path_,
                reason + "; rings are kept in memory and lost with the process");
  }
  make_session("");
  return reason;
}

void Channel::make_session(const std::string& folder) {
  session_ = Session::create(folder, target_);
  rings_ = std::make_shared<RingPool>(
      *session_, RingPool::Options{.channel = id,
                                   .ring_bytes = options_.ring_bytes,
                                   .is_child = is_child_,
                                   .has_mirror = options_.echo,
                                   .log_path = main_path_,
                                   .on_half_full = [this] { request_drain(); }});
}

bool Channel::Inherited::is_alive() const try {
  if (session.empty()) return false;
  const auto parent = Session::open(folder, session, Session::Access::read);
  return parent != nullptr && parent->is_alive();
} catch (const std::system_error&) {
  return false;
}

void Channel::open_with_file(Inherited inherited) {
  open_file(std::move(inherited.file));
  target_ = target_of(options_, main_path_);
  if (!output_->is_regular()) {
    create_session({}, {});
    return;
  }
  const FileId main = output_->id();
  const Shm shm = options_.ring_dir.empty() ? inspect_shm() : Shm::none;
  const std::vector<RingPlace> places = places_of(main_path_, options_.ring_dir, shm);
  // What other children have left is for their parent, as long as it lives.
  const std::uint64_t living = inherited.is_alive() ? 1 : recover_leftovers(places);
  // A journal belongs to one process: the next one gets a part of its own.
  if (options_.format == Format::journal && living > 0) {
    try {
      const std::string part = begin_part(main_path_, id, run_id());
      main_output_ = std::exchange(output_, std::make_unique<Output>(part));
      target_.path = part;
    } catch (const std::system_error& error) {
      const int number = error.code().value();
      if (number != EACCES && number != ENAMETOOLONG && number != EMFILE && number != ENFILE)
        throw;  // else its blocks go among the other's
    }
  }
  const std::string reason = create_session(places, main);
  if (const std::string folder = session_->folder(); !folder.empty()) {
    if (shm == Shm::contained && !place_of(folder).is_beside)
      report_once(
          "contained", main_path_,
          folder + ": rings may end with the container; beside the log file there is no place (" +
              reason + ")");
    struct stat around{};
    if (place_of(folder).is_beside && ::stat(folder.c_str(), &around) == 0 &&
        around.st_dev != main.device) {
      report_once(
          "mount", main_path_,
          main_path_ + ": is a mount of its own; rings beside it do not last as long as it does");
    }
  }
  begin_file(living);
}

void Channel::begin_file(std::uint64_t living) {
  if (!options_.append && target_.path == main_path_) {
    // Parts are known by what the journal says, and so before it is empty.
    const JournalFiles files =
        options_.format == Format::journal ? journal_files(main_path_) : JournalFiles{};
    // Asked again now that others can see us, and while nobody can write.
    const auto is_ours = [&] { return !output_->is_shared(); };
    if (!output_->truncate(kStartPatience, is_ours)) {
      report(main_path_ + ": another logger writes it, so it is appended to and not replaced");
    } else {
      for (const std::string& part : files.marked) ::unlink(part.c_str());
    }
  }
  if (!output_->close_torn_record(options_.format, kStartPatience))
    report(target_.path + ": " + output_->holder() + "; records wait until it lets go");
  if (living == 0 && output_->is_empty()) output_->clear_memory();
}

void Channel::open_session(Inherited inherited) {
  is_child_ = inherited.is_fork;
  if (options_.format != Format::none) {
    open_with_file(std::move(inherited));
  } else {
    // No path: a name that no file has, for a folder of its own.
    main_path_ = "circular-" + std::to_string(::getpid()) + "-" + std::to_string(id);
    target_ = target_of(options_, main_path_);
    create_session({circular_place(options_)},
                   {0, id, static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME))});
  }
  first_folder_ = session_->folder();
  last_tended_ = std::chrono::steady_clock::now();
  clock_.start(session_->header().clock);
  if (!site_registry().attach(*session_)) {
    throw std::runtime_error(session_->folder() + ": no room for the names of what is logged");
  }
  drain_ = std::make_unique<Drain>(*session_, output_.get(), output_ ? make_sink(target_) : nullptr,
                                   progress_, options_.circular_buffer);
  if (options_.echo) {
    mirror_ = std::make_unique<ConsoleMirror>(*session_, *rings_);
    drain_->call_before_runs([this](Ticks until) { mirror_->show(until); });
  }
  if (options_.format == Format::none) {
    recorder_ = std::make_unique<FlightRecorder>(options_.save_trigger, target_, *session_, *drain_,
                                                 drain_mutex_, [this] { drain(); });
    remove_old_circular_buffers(circular_place(options_));
  }
  rings_->ensure_first();
}

std::string Channel::ring_folder() const {
  return has_file() ? session_->folder() : "";
}

void Channel::remove_session() {
  if (!session_ || session_->name().empty()) return;
  session_->remove();
  tidy(session_->folder());
}

}  // namespace attolog
