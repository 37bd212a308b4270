/** What a hook says of the stock parts that it puts in; each daemon has one. */
export const settings = {
  /** Changes of MFS wait for each other. */
  oneAtATime: false,
  /** Also small blocks are files of blockstore-fs. */
  allAreFiles: false,
}
