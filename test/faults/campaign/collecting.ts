import type { DaemonProcess } from '../../support/daemon-process.ts'

/**
 * The configuration of a daemon that collects as often as it can and forgets every commit but the newest: so whatever ends
 * it also ends collections, between what they forget, what they delete, and what they take marks from. Leases stay what they
 * are, since the load relies on them: blobs that nothing refers to yet are its own.
 */
export const COLLECTING = { gc: { interval: '1s' }, retention: { history: '0s' } } as const

/** What collections did, by what the daemon wrote of them. */
export class Collected {
  #times = 0
  #blocks = 0
  #commits = 0

  /** Reads the lines that came since the last time, and clears them away. */
  take({ log }: DaemonProcess): void {
    for (const line of log.splice(0)) {
      if (!line.includes('"msg":"garbage collected"')) continue
      const { blocks, commits } = JSON.parse(line) as { blocks: number; commits: number }
      this.#times++
      this.#blocks += blocks
      this.#commits += commits
    }
  }

  /** In words, for the figures. */
  get line(): string {
    return `Meanwhile ${this.#times} collections deleted ${this.#blocks} blocks and forgot ${this.#commits} commits.`
  }
}
