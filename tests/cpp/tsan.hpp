// Included before all else when building for ThreadSanitizer. The runtime of gcc 12 does not see
// pthread_mutex_clocklock, by which std::timed_mutex waits, and takes what it guards for unguarded;
// the library's other way to wait is seen. Newer libraries choose it by themselves.
#pragma once

#include <cstddef>  // brings the library's configuration

#if defined(_GLIBCXX_USE_PTHREAD_MUTEX_CLOCKLOCK)
#undef _GLIBCXX_USE_PTHREAD_MUTEX_CLOCKLOCK
#endif
