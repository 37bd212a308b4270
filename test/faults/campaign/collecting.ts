import assert from 'node:assert/strict'
import type { DaemonProcess, DaemonStatus } from '../../support/daemon-process.ts'

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
  #last = ''

  /** Waits until a collection has come to its end since the last time. @throws AssertionError when it came to nothing */
  async ended(daemon: DaemonProcess): Promise<string> {
    const isNew = ({ storage: { gc } }: DaemonStatus): boolean =>
      gc.error !== null || (gc.last?.startedAt ?? '') > this.#last
    const { storage } = await daemon.until(isNew, { timeout: 120_000 })
    assert.equal(storage.gc.error, null)
    return storage.gc.last?.startedAt ?? ''
  }

  /**
   * Waits until a collection has come to its end since the last time, then reads what the daemon wrote of all, and clears
   * that away.
   *
   * @throws AssertionError when one came to nothing: then something that is to stay is lost
   */
  async take(daemon: DaemonProcess): Promise<void> {
    this.#last = await this.ended(daemon)
    for (const line of daemon.log.splice(0)) {
      assert.ok(!line.includes('garbage could not be collected'), line)
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
