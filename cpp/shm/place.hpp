// Where rings, sessions and ledgers of a log file live: where they last as long as the file does.
//
//   /dev/shm/attolog-UID/<file>-<hash>/     memory, where it is the machine's own and has room
//   <its folder>/.attolog-UID/<file>-<hash>/  beside the log file, otherwise: a container's
//                                             /dev/shm ends with the container
//   <ring_dir>/attolog-UID/<file>-<hash>/   where the program says so
//
// The hash is that of the file's identity (FileId), not of its path: processes that know the file
// by other paths meet, and a file that is renamed keeps what belongs to it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/file_id.hpp"
#include "core/mapping.hpp"

namespace attolog {

struct RingPlace {
  std::string home;  // the user's own folder in it: /dev/shm/attolog-UID
  bool is_beside = false;
};

// What speaks for and against /dev/shm.
enum class Shm {
  good,
  none,       // there is none, or it is no memory
  contained,  // it may be a container's own, and end with it
  small,      // all of it is less than some programs' rings take
  full,
};
Shm inspect_shm();

// The places of the log file `log_path` (real) in the order in which they are tried; a search for
// rings looks at all of them. `ring_dir`: the only one, unless it is empty.
std::vector<RingPlace> places_of(const std::string& log_path, const std::string& ring_dir);
std::vector<RingPlace> places_of(const std::string& log_path, const std::string& ring_dir, Shm shm);
// The words for it: "/dev/shm is full".
std::string_view describe(Shm shm);

// The log file as a place's folders know it: what lies beside it is on its own file system, whose
// device number may be another after a restart.
FileId known_in(const RingPlace& place, FileId id);
// The place that a log file's folder is in.
RingPlace place_of(const std::string& folder);
inline FileId known_in(const std::string& folder, const FileId& id) {
  return known_in(place_of(folder), id);
}

// The end of the name of a log file's folder in a place.
std::string folder_end(const RingPlace& place, const FileId& id);

// The folder of a log file in a place. Made where `create`, with a part of `name` in front; ""
// where it does not exist otherwise. Throws std::runtime_error where a folder has the wrong owner
// or mode, and std::system_error.
std::string log_folder(const RingPlace& place, std::string_view name, const FileId& id,
                       bool create);
// A log file's folder, made if need be, and held by its lock: a process that tidies up leaves it
// alone meanwhile.
struct LockedFolder {
  std::string path;
  File lock;
};
LockedFolder lock_log_folder(const RingPlace& place, std::string_view name, const FileId& id);
// All folders of all log files that the user has there.
std::vector<std::string> log_folders(const RingPlace& place);

}  // namespace attolog
