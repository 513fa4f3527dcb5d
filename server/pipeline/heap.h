#pragma once

namespace penstock {

/// How glibc's allocator is set up, so that memory goes back to the system: called once, before there are other threads.
///
/// Memory of 128 KiB and more (blocks, long unfinished frames) is mapped, and a heap whose end is free for as long is cut
/// there; glibc's own thresholds would rise with the first mapped piece that is freed, and the heap would then keep what
/// a peak has left behind. What is freed joins its free neighbours at once (mallopt(3), M_MXFAST): fastbins put that off
/// until malloc_trim(3), which gives back free memory inside the heaps of other threads, but not at their ends, so that a
/// few small pieces would hold megabytes there.
void configure_heap() noexcept;

/// Gives the free memory of all threads' heaps back to the system. Any thread.
void trim_heap() noexcept;

}  // namespace penstock
