// The writer: the one background thread of a process that drains its rings. It holds no Python
// thread state and never waits for the GIL.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "console/fork_pause.hpp"
#include "core/site_table.hpp"
#include "writer/channel.hpp"
#include "writer/control.hpp"
#include "writer/leftovers.hpp"
#include "writer/waker.hpp"

namespace attolog {

class WriterThread final : public Waker {
 public:
  // The process's writer. After a fork the child has one of its own.
  static WriterThread& get();
  // Whether get() would find one: it may be asked in a signal's handler.
  static bool is_there();

  // Opens a channel (Channel::open), which is drained from now on until it is finished and not in
  // use.
  std::shared_ptr<Channel> open(const ChannelOptions& options);
  // The channel of a forked child in place of its parent's.
  std::shared_ptr<Channel> reopen(Channel& channel);

  void wake() override;
  bool is_running() const override { return running_.load(std::memory_order_acquire); }

  // Before a fork: ends the threads of this process, without the GIL. One that is busy for longer
  // than a moment stays.
  void pause_for_fork();
  // Behind the fork, in the parent.
  void resume_after_fork();

  // Whether there may be children that have just ended, and left something.
  bool has_forked_lately() const;
  // Those that are drained.
  std::vector<std::shared_ptr<Channel>> channels();
  // Whether anything that was logged is still to be shown.
  bool has_unmirrored();

  // The function that answers `attolog ctl`, in the writer's thread and never around a fork. Short
  // locks only.
  using Control = std::function<std::string(const std::string& request)>;
  void set_control(Control control);
  // The process is not listed any more, until it has another channel.
  void withdraw_page();

  // C's atexit: the last drain, after the interpreter's end. Throws nothing.
  void shut_down();

 private:
  friend struct ForkHandlers;
  WriterThread() = default;
  std::shared_ptr<Channel> add(std::shared_ptr<Channel> channel);
  void publish_page();
  void answer_control();
  void end_if_wanted();
  void remove_dead_pages();
  void start();
  void run();
  std::chrono::milliseconds service_all(SteadyTime& lively_until);
  // The channel with the next id behind `id`; null: there is none. Takes no memory.
  std::shared_ptr<Channel> channel_after(std::uint64_t id);

  std::mutex control_mutex_;  // down to page_; held while a request is answered
  Control control_;
  bool is_page_published_ = false;
  bool has_tidied_ = false;  // pages of killed processes: this one, or one that it was forked from
  std::unique_ptr<ControlPage> page_;  // null: not yet, or there is none to be had

  std::mutex mutex_;  // channels_, stopping_; never held while draining
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Channel>> channels_;
  // acq_rel: what a waker has asked for is seen by the round that it wakes; `wake` pairs with
  // `run`.
  std::atomic<bool> is_wanted_{false};
  bool stopping_ = false;
  Deadline
      exit_deadline_;  // until then the process stays for who reads what it shows; under mutex_
  // release: the thread is there, or has done its last; pairs with the acquire of is_running.
  std::atomic<bool> running_{false};
  std::condition_variable stopped_;                  // running_ is false
  ::pid_t thread_ = 0;                               // the one that ran last; under mutex_
  bool has_not_stopped_ = false;                     // nor has come round since; under mutex_
  std::atomic<SteadyTime> last_fork_{SteadyTime{}};  // relaxed: the time alone counts
  SteadyTime last_tidied_{};                         // the thread's own
  Leftovers leftovers_;
};

}  // namespace attolog
