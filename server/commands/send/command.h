#pragma once

#include "server/commands/send/options.h"

namespace CLI {
class App;
}

namespace penstock {

/// Adds `send` with its options and help to `app`; they are stored in `options`, which outlives the parsing. Gives the
/// subcommand: when parsed(), the answer of run_send(options) is the exit status.
CLI::App* add_send_command(CLI::App& app, SendOptions& options);

/// `penstock send`: sends, or with --verify compares. Exit status: 0 all was handed over and every connection ended by
/// FIN from both sides (verify: the files are right), 1 not so, 2 wrong usage. Prints a summary on stdout, errors and the
/// progress of a terminal on stderr. SIGINT and SIGTERM end the sending at a record boundary. Blocks until done.
int run_send(const SendOptions& options);

}  // namespace penstock
