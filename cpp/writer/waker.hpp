// The thread that drains channels, as a channel sees it.
#pragma once

namespace attolog {

class Waker {
 public:
  // Sweeps soon instead of at the next round. From any thread; takes a short lock.
  virtual void wake() = 0;
  // Whether there is a thread. Without one (there was none to be had, or the process is ending)
  // callers drain for themselves.
  virtual bool is_running() const = 0;

 protected:
  ~Waker() = default;
};

}  // namespace attolog
