#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "check.hpp"
#include "core/folder.hpp"
#include "shm/place.hpp"
#include "temp.hpp"

using namespace attolog;

namespace {

std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

static const check::Test chosen{
    "rings are in /dev/shm where that lasts and has room, else beside the log file", [] {
      const std::string uid = std::to_string(::geteuid());
      for (const Shm shm : {Shm::good, Shm::none, Shm::contained, Shm::small, Shm::full}) {
        const auto places = places_of("/logs/run.csv", "", shm);
        const bool is_beside_first = shm != Shm::good;
        check::equal(places.at(0).is_beside, is_beside_first || places.size() == 1);
        for (const RingPlace& place : places) {
          check::equal(place.home,
                       (place.is_beside ? "/logs/." : "/dev/shm/") + ("attolog-" + uid));
        }
        check::that(!describe(shm).empty());
      }
    }};

static const check::Test given{"a place that the program gives is the only one", [] {
                                 const auto places = places_of("/logs/run.csv", "/rings");
                                 check::equal(places.size(), 1u);
                                 check::equal(places.at(0).home, user_folder("/rings"));
                                 check::that(!places.at(0).is_beside);
                               }};

static const check::Test identity{
    "a file's folder is its own, whatever its name and path are, and no other file's", [] {
      const temp::Folder root;
      const RingPlace place{root / "home"};
      temp::write_file(root / "run.csv", "");
      const FileId id = *file_id(root / "run.csv");
      check::equal(log_folder(place, "run.csv", id, false), "");
      const std::string folder = log_folder(place, "run.csv", id, true);
      check::that(name_of(folder).starts_with("run.csv-"));
      std::filesystem::rename(root / "run.csv", root / "run.old");
      check::equal(log_folder(place, "run.old", *file_id(root / "run.old"), true), folder);
      // A new file under the old name, even with the inode number of one that was removed.
      std::filesystem::remove(root / "run.old");
      while (!std::filesystem::exists(root / "run.csv") ||
             file_id(root / "run.csv")->born == id.born) {
        std::filesystem::remove(root / "run.csv");
        temp::write_file(root / "run.csv", "");
      }
      check::that(log_folder(place, "run.csv", *file_id(root / "run.csv"), true) != folder);
      check::equal(log_folders(place).size(), 2u);
    }};

static const check::Test beside{
    "beside the log file its file system's number does not matter, elsewhere it does", [] {
      const FileId id{1, 2, 3};
      const FileId moved{9, 2, 3};
      const std::string folder = "/logs/.attolog-0/run.csv-1";
      check::that(known_in(folder, id) == known_in(folder, moved));
      check::that(known_in("/dev/shm/attolog-0/run.csv-1", id) !=
                  known_in("/dev/shm/attolog-0/run.csv-1", moved));
      check::that(place_of(folder).is_beside);
      check::equal(place_of(folder).home, "/logs/.attolog-0");
    }};

static const check::Test plain{"a folder's name is plain and short, whatever the log file's is",
                               [] {
                                 const temp::Folder root;
                                 const RingPlace place{root / "home"};
                                 const std::string odd = "\n .." + std::string(200, 'x');
                                 const std::string folder = log_folder(place, odd, {1, 2, 3}, true);
                                 check::equal(place_of(folder).home, place.home);
                                 check::equal(name_of(folder).size(), 64u + 17);
                               }};

static const check::Test found{
    "a file is found by what it is in a folder, and links are not followed", [] {
      const temp::Folder root;
      temp::write_file(root / "a", "");
      temp::write_file(root / "b", "");
      const FileId wanted = *file_id(root / "b");
      std::filesystem::create_symlink(root / "b", root / "link");
      const auto is_it = [&](const std::string& path) { return file_id(path) == wanted; };
      check::equal(find_file(root.path(), is_it, wanted.inode), root / "b");
      std::filesystem::remove(root / "b");
      check::equal(find_file(root.path(), is_it, wanted.inode), "");
      check::equal(find_file(root / "none", is_it, wanted.inode), "");
      const File file = open_file(root / "a", O_RDONLY);
      check::that(file_id(file.fd()) == *file_id(root / "a"));
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
