import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DaemonProcess } from '../../support/daemon-process.ts'
import type { DaemonOptions } from '../../support/daemon-process.ts'
import type { Reading } from './probe.ts'

let daemons = 0

/** A real daemon with a probe inside. */
export class WatchedDaemon implements AsyncDisposable {
  readonly daemon: DaemonProcess
  readonly #file: string

  private constructor(daemon: DaemonProcess, file: string) {
    this.daemon = daemon
    this.#file = file
  }

  static async start(options: DaemonOptions): Promise<WatchedDaemon> {
    const file = join(tmpdir(), `heliport-probe-${process.pid}-${++daemons}`)
    const daemon = await DaemonProcess.start({
      ...options,
      nodeOptions: [`--import=${join(import.meta.dirname, 'probe.ts')}`],
      env: { TEST_PROBE: file },
      timeout: 120_000,
    })
    return new WatchedDaemon(daemon, file)
  }

  /** What the probe saw since it was last asked. */
  async read(): Promise<Reading> {
    const port = await readFile(this.#file, 'utf8')
    // Not kept open: a daemon that is busy may end an idle connection just as it is used again.
    const headers = { Connection: 'close' }
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers })
    return (await response.json()) as Reading
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon.remove()
  }
}
