// How campaigns say what they found: by these a run with a stock part is told from one that failed for another reason.

/** Something that was acknowledged is not so, or is there in part. */
export const LOST =
  /was acknowledged as (there|gone)|and can only be|which nobody wrote|was written after it|the tag that all write to is gone/

/** Content that was acknowledged is linked, and its bytes are not to be had. */
export const UNREADABLE = /^(blob|manifest) \S+ of \S+: 503$|: 503 .*UNAVAILABLE|has other bytes/

/** The journal does not have the commit any more that MFS has: what came after a torn record is lost. */
export const JOURNAL_LOST = /takes no changes, because its disk failed or lost something/

/** Damage that nobody noticed, or that is not mended though it can be. */
export const WRONG =
  /^a whole answer with other bytes$|^damage was not noticed$|^(a mirror has a good copy|it was pushed again), and the answer is/

/** What could not be read is said not to be there. */
export const NOT_FOUND = /is answered with 404$|: 404 |_UNKNOWN"/
