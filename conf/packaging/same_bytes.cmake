# Run by cpack before it packs the staged files: folders do not depend on the umask, and all files, and the package itself,
# get the time of the sources.
file(STRINGS ${CPACK_PENSTOCK_SOURCE_DATE} date)
set(ENV{SOURCE_DATE_EPOCH} ${date})
execute_process(COMMAND find ${CPACK_TEMPORARY_INSTALL_DIRECTORY} -type d -exec chmod 0755 {} +
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(
  COMMAND find ${CPACK_TEMPORARY_INSTALL_DIRECTORY} -exec touch --no-dereference --date=@${date} {} +
  COMMAND_ERROR_IS_FATAL ANY)
