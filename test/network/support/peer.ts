import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { ChildProcess } from 'node:child_process'

/** What a child says: that it is ready, or what came of what it was asked. */
type Message = { answer: unknown } | { error: string }

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A node of a benchmark in a process of its own, which does what it is asked, one thing after the other. */
export class Peer<Request extends object, Answer> implements AsyncDisposable {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
    running.add(child)
    child.once('exit', () => running.delete(child))
  }

  /** @param file a module that calls {@link answerParent} */
  static async start<Request extends object, Answer>(
    file: string,
    args: readonly string[] = [],
  ): Promise<Peer<Request, Answer>> {
    const peer = new Peer<Request, Answer>(fork(file, args, { execArgv: [] }))
    await peer.#next()
    return peer
  }

  /** @throws what the child threw, as text; or that it has ended */
  async ask(request: Request): Promise<Answer> {
    this.#child.send(request)
    return (await this.#next()) as Answer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const closed = once(this.#child, 'exit')
    this.#child.kill('SIGKILL') // it has nothing that would have to be kept
    await closed
  }

  async #next(): Promise<unknown> {
    const over = new AbortController()
    const { signal } = over
    try {
      const ended = once(this.#child, 'exit', { signal }).then(([code, killed]: unknown[]) => {
        throw new Error(`a node of the benchmark ended with ${String(killed ?? code)}`)
      })
      ended.catch(() => undefined)
      const [message] = (await Promise.race([once(this.#child, 'message', { signal }), ended])) as [
        Message,
      ]
      if ('error' in message) throw new Error(message.error)
      return message.answer
    } finally {
      over.abort()
    }
  }
}

/** In the child: says that it is ready, and then answers each request of the parent. It ends with the parent. */
export function answerParent<Request extends object, Answer>(
  answer: (request: Request) => Promise<Answer>,
): void {
  const send = (message: Message): void => void process.send?.(message)
  process.on('message', (request: Request) => {
    answer(request).then(
      (result) => send({ answer: result }),
      (error: unknown) =>
        send({ error: error instanceof Error ? (error.stack ?? '') : String(error) }),
    )
  })
  process.on('disconnect', () => process.exit())
  send({ answer: undefined })
}
