// The folders in which processes meet: private to their user, although others can reach their root.
// Control pages are in <root>/attolog-UID/control/; rings and the like where place.hpp says.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/mapping.hpp"

namespace attolog {

// /dev/shm where there is one, else the folder for temporary files.
std::string default_ring_root();
// The user's own folder under a root: <root>/attolog-UID.
std::string user_folder(const std::string& root);

// The log file's one true name: its folder's real path and its own last part. Throws
// std::system_error where the folder does not exist.
std::string real_log_path(const std::string& path);

// The folder `name` in the user's own folder `home`. Both are made where `create`; "" where it does
// not exist otherwise. Throws std::runtime_error where a folder has the wrong owner or mode, and
// std::system_error.
std::string private_folder(const std::string& home, const std::string& name, bool create);

// As long as the file is held nobody takes the folder, or what is without a session there, away.
// Throws std::system_error.
File stay_in_folder(const std::string& folder);
// As long as the file is held nobody else is in the folder. None where that takes longer, or where
// the folder was removed meanwhile: what has its name then is another's.
File have_folder_alone(const std::string& folder, std::chrono::milliseconds patience);

// The folder of the control pages under `root`; made, and refused, as by private_folder.
std::string control_folder(const std::string& root, bool create);

// A name of letters, digits and dots, with all other bytes replaced: 64 bytes at most.
std::string plain_name(std::string_view name);

// Sixteen hexadecimal digits: a number, or ones that nobody else comes upon, for names.
std::string hex(std::uint64_t value);
std::string random_hex();

// Names (not paths) of the files in `folder` that end with `suffix`, sorted; none where there is no
// folder.
std::vector<std::string> list_files(const std::string& folder, std::string_view suffix);

// Removes the folder if nothing is left in it.
void remove_if_empty(const std::string& folder);

}  // namespace attolog
