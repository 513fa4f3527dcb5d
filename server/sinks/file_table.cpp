#include "server/sinks/file_table.h"

namespace penstock {

FileTable::~FileTable() {
  while (!open_.empty()) close(*open_.front());
}

OutFile& FileTable::find(const std::string& path) {
  std::unique_ptr<OutFile>& entry = by_path_[path];
  if (entry == nullptr) {
    entry = std::make_unique<OutFile>();
    entry->path = path;
  }
  return *entry;
}

void FileTable::forget_closed() {
  std::erase_if(by_path_, [](const auto& entry) {
    return entry.second->fd < 0 && entry.second->part == kNoPart;
  });
}

void FileTable::opened(OutFile& file, int fd) {
  file.fd = fd;
  open_.push_front(&file);
  file.place = open_.begin();
}

void FileTable::touch(OutFile& file) noexcept { open_.splice(open_.begin(), open_, file.place); }

int FileTable::close(OutFile& file) noexcept {
  open_.erase(file.place);
  struct stat status {};
  if (file.regular && file.torn_tail.empty() && files_.fstat(file.fd, status) == 0)
    file.known_end = KnownEnd::of(status);
  const int result = files_.close(file.fd);
  file.fd = -1;
  file.unsynced = file.unsynced_name = file.reader_gone = false;
  file.torn_tail.clear();  // repaired when it is opened again
  return result;
}

}  // namespace penstock
