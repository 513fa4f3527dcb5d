#include <fstream>

#include "tests/conf/conf_file.h"
#include "tests/conf/reference.h"

/// write_reference PAGE DOCUMENTED-FILE: brings the entries of the keys in PAGE up to date (`./dev reference`).
int main(int argc, char** argv) {
  using namespace penstock::test;
  if (argc != 3) return 2;
  const std::string before = file_text(argv[1]);
  const std::string after = with_fresh_reference(before, file_text(argv[2]));
  if (after != before) std::ofstream(argv[1], std::ios::binary) << after;
  return 0;
}
