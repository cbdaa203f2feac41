#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

#include "check.hpp"
#include "core/folder.hpp"
#include "temp.hpp"

using namespace attolog;

namespace {

unsigned mode_of(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

std::string ours(const temp::Folder& root) {
  return root / ("attolog-" + std::to_string(::geteuid()));
}

}  // namespace

static const check::Test is_private{
    "a log file's folder is private to the user, and made only where asked for", [] {
      const temp::Folder root;
      check::equal(private_folder(ours(root), "run.csv-1", false), "");
      check::that(!std::filesystem::exists(ours(root)));
      const std::string folder = private_folder(ours(root), "run.csv-1", true);
      check::equal(mode_of(ours(root)), 0700u);
      check::equal(mode_of(folder), 0700u);
      check::equal(std::filesystem::path(folder).parent_path().string(), ours(root));
      check::equal(private_folder(ours(root), "run.csv-1", true), folder);
      check::equal(private_folder(ours(root), "run.csv-1", false), folder);
    }};

static const check::Test names{"a plain name is short, and has no letters that disturb", [] {
                                 check::equal(plain_name("a b\nc.csv"), "a_b_c.csv");
                                 check::equal(plain_name("../x"), ".._x");
                                 check::equal(plain_name(std::string(255, 'x')).size(), 64u);
                               }};

static const check::Test masked{"whatever a process's mask takes away, its own rights stay", [] {
                                  const temp::Folder root;
                                  const mode_t before = ::umask(0777);
                                  const std::string folder =
                                      private_folder(ours(root), "run.csv-1", true);
                                  ::umask(before);
                                  check::equal(mode_of(folder), 0700u);
                                  check::equal(mode_of(ours(root)), 0700u);
                                }};

static const check::Test stays{
    "a folder stays as long as somebody stays in it", [] {
      const temp::Folder root;
      const std::string folder = private_folder(ours(root), "run.csv-1", true);
      const File stay = stay_in_folder(folder);
      File other(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      check::that(!other.try_lock());
      check::that(!temp::error_of([&] { stay_in_folder(root / "none"); }).empty());
    }};

static const check::Test refused{
    "a folder that others could have made or can open is refused, and the error names it", [] {
      const temp::Folder root;
      std::filesystem::create_directory(ours(root));
      ::chmod(ours(root).c_str(), 0750);
      const auto attempt = [&] { private_folder(ours(root), "run.csv-1", true); };
      check::equal(temp::error_of(attempt), ours(root) + " is open to other users");

      std::filesystem::remove(ours(root));
      std::filesystem::create_directory(root / "elsewhere");
      ::chmod((root / "elsewhere").c_str(), 0700);
      std::filesystem::create_directory_symlink(root / "elsewhere", ours(root));
      check::equal(temp::error_of(attempt), ours(root) + " is not a folder");

      if (::geteuid() == 0) {
        std::filesystem::remove(ours(root));
        std::filesystem::create_directory(ours(root));
        ::chmod(ours(root).c_str(), 0700);
        if (::chown(ours(root).c_str(), 1, 1) != 0) std::abort();
        check::equal(temp::error_of(attempt), ours(root) + " belongs to another user");
      }
    }};

static const check::Test removed_meanwhile{
    "a folder that its last user removes meanwhile is made again, or is none", [] {
      const temp::Folder root;
      const std::string folder = private_folder(ours(root), "run.csv-1", true);
      std::atomic<bool> is_over{false};
      std::thread last_user([&] {
        while (!is_over) remove_if_empty(folder);
      });
      for (int i = 0; i < 20'000; ++i) {
        check::equal(private_folder(ours(root), "run.csv-1", true), folder);
        const std::string found = private_folder(ours(root), "run.csv-1", false);
        check::that(found.empty() || found == folder);
      }
      is_over = true;
      last_user.join();
    }};

static const check::Test real_path{
    "a log file's true name follows links of folders, and not of the file itself", [] {
      const temp::Folder root;
      std::filesystem::create_directory(root / "logs");
      std::filesystem::create_directory_symlink(root / "logs", root / "link");
      std::filesystem::create_symlink(root / "other.csv", root / "logs/run.csv");
      check::equal(real_log_path(root / "link/../link/run.csv"), root / "logs/run.csv");
      check::that(!temp::error_of([&] { real_log_path(root / "none/run.csv"); }).empty());
    }};

static const check::Test listing{"files are listed by suffix, in order of name", [] {
                                   const temp::Folder root;
                                   for (const char* name : {"b.ring", "a.ring", "c.session"}) {
                                     temp::write_file(root / name, "");
                                   }
                                   const auto found = list_files(root.path(), ".ring");
                                   check::equal(found.size(), 2u);
                                   check::equal(found.front(), "a.ring");
                                   check::equal(found.back(), "b.ring");
                                   check::that(list_files(root / "none", ".ring").empty());
                                 }};

static const check::Test empty_only{"only an empty folder is removed", [] {
                                      const temp::Folder root;
                                      const std::string folder = root / "folder";
                                      std::filesystem::create_directory(folder);
                                      temp::write_file(folder + "/left", "");
                                      remove_if_empty(folder);
                                      check::that(std::filesystem::exists(folder));
                                      std::filesystem::remove(folder + "/left");
                                      remove_if_empty(folder);
                                      check::that(!std::filesystem::exists(folder));
                                    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
