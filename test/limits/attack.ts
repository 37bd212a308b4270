import { setTimeout as pause } from 'node:timers/promises'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { once } from 'node:events'
import { join } from 'node:path'
import type { ChildProcess } from 'node:child_process'
import type { SlowPlan, SlowState } from './slow-clients.ts'

const SCRIPT = join(import.meta.dirname, 'slow-clients.ts')

/** Slow clients, in a process of their own. */
export class Attack implements AsyncDisposable {
  readonly #child: ChildProcess
  #state: SlowState = { open: 0, made: 0, closed: 0, refused: 0, longestHeaders: 0 }

  constructor(plan: SlowPlan) {
    this.#child = spawn(process.execPath, [SCRIPT, JSON.stringify(plan)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.#state = JSON.parse(line) as SlowState
    })
  }

  get state(): SlowState {
    return this.#state
  }

  /** Waits until each of them was there. */
  async ready(clients: number): Promise<void> {
    while (this.#state.made < clients) {
      if (this.#child.exitCode !== null) throw new Error('the slow clients ended')
      await pause(100)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#child, 'close')
    this.#child.stdin?.end()
    await closed
  }
}
