// A channel's beginning: its file, its session, what dead processes left for it.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "core/folder.hpp"
#include "writer/capture.hpp"
#include "writer/channel.hpp"
#include "writer/parts.hpp"
#include "writer/recovery.hpp"
#include "writer/run_id.hpp"
#include "writer/say.hpp"
#include "writer/writer.hpp"

namespace attolog {

namespace {

std::atomic<std::uint64_t> next_channel{1};

}  // namespace

Channel::Channel(const ChannelOptions& options, std::uint64_t number)
    : id(number), options_(options) {}

std::shared_ptr<Channel> Channel::open(const ChannelOptions& options) {
  std::shared_ptr<Channel> channel(new Channel(options, next_channel.fetch_add(1)));
  try {
    channel->open_session();
  } catch (...) {
    channel->remove_session();
    throw;
  }
  Writer::get().add(channel);
  return channel;
}

std::shared_ptr<Channel> Channel::reopen() const {
  ChannelOptions options = options_;
  if (options_.format != Format::none) options.path = main_path_;
  options.append = true;
  return open(options);
}

LogTarget target_of(const ChannelOptions& options, const std::string& path) {
  return {path,
          static_cast<std::uint8_t>(options.format),
          static_cast<std::uint8_t>(options.sink.digits),
          static_cast<std::uint16_t>(options.sink.columns),
          options.sink.pattern,
          run_id(),
          static_cast<std::uint32_t>(::getpid()),
          static_cast<std::uint8_t>(options.sink.weight ? 1 : 0)};
}

// What the session says of its file, and where its own files live.
void Channel::find_target() {
  const bool has_file = options_.format != Format::none;
  if (!has_file) {
    // No path: a name that no file has, for a folder of its own.
    main_path_ = "circular-" + std::to_string(::getpid()) + "-" + std::to_string(id);
  } else if (!options_.path.empty()) {
    const std::filesystem::path given(options_.path);
    if (given.has_parent_path()) std::filesystem::create_directories(given.parent_path());
    main_path_ = real_log_path(options_.path);
  }
  target_ = target_of(options_, main_path_);
  struct stat info{};
  const bool is_device =
      main_path_.empty() ||
      (has_file && ::stat(main_path_.c_str(), &info) == 0 && !S_ISREG(info.st_mode));
  if (is_device) return;
  try {
    if (!options_.ring_dir.empty()) std::filesystem::create_directories(options_.ring_dir);
    folder_ = log_folder(ring_root(), main_path_, true);
  } catch (const std::exception& error) {
    say(std::string(error.what()) + "; rings are kept in memory and lost with the process");
  }
}

// What dead processes left for the file goes into it first. How many living ones write it.
std::uint64_t Channel::take_in() {
  if (folder_.empty() || options_.format == Format::none) return 0;
  const Recovery recovered = recover(folder_, main_path_);
  for (const std::string& message : recovered.messages) say(message);
  // A journal belongs to one process: the next one gets a part of its own.
  if (options_.format == Format::journal && recovered.living > 0) {
    target_.path = choose_part(main_path_, ::getpid(), id);
  }
  return recovered.living;
}

void Channel::open_output(std::uint64_t living) {
  if (target_.path != main_path_) {
    const std::string message = begin_part(folder_, main_path_, target_.path, run_id());
    if (!message.empty()) say(message);
  }
  output_ = std::make_unique<Output>(target_.path, folder_);
  if (!options_.append && target_.path == main_path_ && output_->is_regular()) {
    // Parts are known by what the journal says, and so before it is empty.
    const JournalFiles files =
        options_.format == Format::journal ? journal_files(main_path_) : JournalFiles{};
    // Asked again now that others can see us, and while nobody can write.
    const auto is_ours = [&] { return !has_other_living(folder_, session_->name()); };
    if (!output_->truncate(is_ours)) {
      say(main_path_ + ": another logger writes it, so it is appended to and not replaced");
    } else {
      for (const std::string& part : files.marked) ::unlink(part.c_str());
    }
  }
  if (options_.format == Format::csv || options_.format == Format::jsonl) output_->end_line();
  if (living == 0 && output_->is_regular() && output_->is_empty()) output_->forget();
}

void Channel::open_session() {
  find_target();
  const std::uint64_t living = take_in();
  create_session();
  if (options_.format != Format::none) open_output(living);
  clock_.start(session_->header().clock);
  if (!Writer::get().sites().attach(*session_)) {
    throw std::runtime_error(folder_ + ": no room for the names of what is logged");
  }
  drain_ = std::make_unique<Drain>(*session_, output_.get(), output_ ? make_sink(target_) : nullptr,
                                   progress_, options_.box);
  if (options_.echo) {
    echo_ = std::make_unique<Echo>(*session_);
    drain_->watch_rings([this](Ticks until) { show(until); });
  }
  if (options_.format == Format::none) {
    recorder_ = std::make_unique<Recorder>(options_.recorder);
    if (recorder_->has_condition()) {
      drain_->watch_kept([this](const Record& record) { return recorder_->see(record); },
                         [this] { save_captures(false, Within::drain); });
    }
    forget_old_boxes(ring_root());
  }
  // The first ring takes a millisecond or two to make: not in the first call.
  if (Producer* spare = make_ring()) free_.push_back(spare);
}

void Channel::create_session() {
  for (int attempt = 0; !folder_.empty(); ++attempt) {
    try {
      session_ = Session::create(folder_, target_);
      return;
    } catch (const std::system_error& error) {
      // Its last user may have removed the folder just now.
      if (error.code().value() == ENOENT && attempt < 3) {
        folder_ = log_folder(ring_root(), main_path_, true);
        continue;
      }
      say(std::string(error.what()) + "; rings are kept in memory and lost with the process");
      break;
    }
  }
  session_ = Session::create("", target_);
}

void Channel::remove_session() {
  if (session_) session_->remove();
  if (!folder_.empty()) tidy(folder_);
}

std::string Channel::ring_root() const {
  return options_.ring_dir.empty() ? default_ring_root() : options_.ring_dir;
}

}  // namespace attolog
