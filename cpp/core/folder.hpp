// Where rings, sessions and ledgers live: <root>/attolog-UID/<log file>-<hash>/, all of it private
// to the user. Control pages are in <root>/attolog-UID/control/. On tmpfs by default, so that it
// survives the process but not the machine.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace attolog {

// /dev/shm where there is one, else the folder for temporary files.
std::string default_ring_root();
// The given one, or (null) the default.
std::string ring_root_of(const char* given);

// The log file's one true name: its folder's real path and its own last part. Throws
// std::system_error where the folder does not exist.
std::string real_log_path(const std::string& path);

// The folder of one log file under `root`. Made where `create`; "" where it does not exist
// otherwise. Throws std::runtime_error where a folder has the wrong owner or mode, and
// std::system_error.
std::string log_folder(const std::string& root, const std::string& real_path, bool create);

// The folder of the control pages under `root`; otherwise the same.
std::string control_folder(const std::string& root, bool create);

// Sixteen digits that nobody else comes upon, for names.
std::string random_hex();

// Names (not paths) of the files in `folder` that end with `suffix`, sorted; none where there is no
// folder.
std::vector<std::string> list_files(const std::string& folder, std::string_view suffix);

// Removes the folder if nothing is left in it.
void remove_if_empty(const std::string& folder);

}  // namespace attolog
