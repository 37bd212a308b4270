/** The data directory of the daemon that a stock part is in: stock parts have files of their own there. */
export const place = { path: '' }
