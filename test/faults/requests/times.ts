/** How long the daemon under test waits, in ms, and what it has for downloads: little, so that rows see it come to an end. */
export const SHORT = {
  headers: 1500,
  bodyIdle: 1500,
  sendStall: 3000,
  downloads: { few: 2, most: 8, patienceMs: 100 },
}
