import { setImmediate as turn } from 'node:timers/promises'
import { exchange, untilLast } from './exchange.ts'
import { breakRequest, isStrict } from './illegal.ts'
import { KEPT } from './names.ts'
import { encode, isHarmless, partsOf, render, rollsBack, show } from './render.ts'
import { judgeGuarded } from './guard-oracle.ts'
import { judge, Violation } from './oracle.ts'
import { Transcript } from './transcript.ts'
import { headerOf } from './wire-answer.ts'
import { WireConnection } from './wire-connection.ts'
import { World } from './world.ts'
import type { IllegalPlan, RequestPlan, Step } from './plan.ts'
import type { Door } from './reached.ts'
import type { Request } from './render.ts'
import type { WireAnswer } from './wire-answer.ts'
import type { Address } from './wire-connection.ts'
import type { Surroundings } from './world.ts'

/** Where a player plays. */
export interface Stage {
  readonly http: Address
  /** The Unix socket of the daemon. */
  readonly control: Address
  readonly around: Surroundings
  /** Whether its users have their rights: then what would harm is sent as well, and has to be refused. */
  readonly isGuarded: boolean
  /**
   * Told of each request that was sent, and of how it was answered; `undefined` when nobody waited for that. What is no
   * request any more comes without one.
   */
  onRequest(status: number | undefined, asked?: { door: Door; request: Request }): void
}

/**
 * Plays the steps of one client and judges every answer.
 *
 * @throws PlayError with everything that was sent until then
 */
export async function play(steps: readonly Step[], stage: Stage): Promise<void> {
  using player = new Player(stage)
  for (const step of steps) await player.step(step)
  await player.endUploads()
}

/** A step that ended as none may. */
export class PlayError extends Error {
  static override readonly name = 'PlayError'
  override readonly name = 'PlayError'
  /** What was sent on the way to it, for people. */
  readonly transcript: string

  constructor(cause: Error, transcript: string) {
    super(cause.message, { cause })
    this.transcript = transcript
  }
}

class Player implements Disposable {
  readonly #stage: Stage
  readonly #world: World
  #connection: WireConnection | undefined
  readonly #transcript = new Transcript()

  constructor(stage: Stage) {
    this.#stage = stage
    this.#world = new World(stage.around)
  }

  step(step: Step): Promise<void> {
    return this.#told(() => this.#perform(step))
  }

  /** Cancels what is left open of uploads, as a good client does. */
  endUploads(): Promise<void> {
    return this.#told(async () => {
      for (const { path } of [...this.#world.uploads]) {
        await this.#send(this.#noted(cancelling(path)))
        this.#world.forget(path)
      }
    })
  }

  [Symbol.dispose](): void {
    this.#connection?.destroy()
  }

  async #told(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof Error)) throw error
      throw new PlayError(error, this.#transcript.text())
    }
  }

  #perform(step: Step): Promise<void> {
    switch (step.do) {
      case 'send':
        return this.#one(step.request)
      case 'pipeline':
        return this.#pipeline(step.requests)
      case 'abort':
        return this.#abort(step.request, step.at)
      case 'illegal':
        return this.#illegal(step.illegal)
      case 'control':
        return this.#control(step.request, step.leaves)
    }
  }

  async #one(plan: RequestPlan): Promise<void> {
    const request = render(plan, this.#world)
    if (this.#maySend(request)) await this.#send(this.#noted(request))
  }

  async #send(request: Request): Promise<void> {
    const connection = await this.#open()
    const answer = await exchange(connection, request)
    this.#answered(answer.status, request)
    this.#judge(request, answer)
    this.#learn(request, answer)
    await this.#afterwards(connection, answer)
  }

  #learn(request: Request, answer: WireAnswer): void {
    const { method, target, body, type } = request
    this.#world.learn(method, target, body, type, answer)
  }

  /** A connection that the server said it closes gets closed, and nothing follows an answer that was not asked for. */
  async #afterwards(connection: WireConnection, answer: WireAnswer): Promise<void> {
    // A head that is too long is not read to the end, so the server cannot know that it was a HEAD.
    if (connection.surplus.length > 0 && answer.status !== 431)
      throw new Violation(
        `${connection.surplus.length} bytes follow the answer: ${connection.surplus.toString('latin1', 0, 200)}`,
      )
    if (headerOf(answer, 'connection')?.toLowerCase() !== 'close') return
    this.#connection = undefined
    connection.finish()
    const more = answer.status === 431 ? [] : await connection.rest('GET')
    connection.destroy()
    if (more.length > 0) throw new Violation('an answer follows the last one')
  }

  async #pipeline(plans: readonly RequestPlan[]): Promise<void> {
    const requests = untilLast(
      plans.map((plan) => render(plan, this.#world)).filter((each) => this.#maySend(each)),
    )
    const connection = await this.#open()
    this.#transcript.add(() => `at once:\n${requests.map(show).join('\n')}`)
    for (const request of requests) {
      const { head, body } = encode({
        ...request,
        framing: request.framing === 'expect' ? 'length' : request.framing,
      })
      connection.write(Buffer.concat([head, body]))
    }
    for (const request of requests) {
      const answer = await connection.answer(request.method)
      this.#answered(answer.status, request)
      this.#judge(request, answer)
      this.#learn(request, answer)
      if (headerOf(answer, 'connection')?.toLowerCase() === 'close') break
    }
    // Requests behind one that ended the connection were not answered, and bytes of theirs may still be on their way.
    connection.destroy()
    this.#connection = undefined
  }

  async #abort(plan: RequestPlan, at: number): Promise<void> {
    const request = render(plan, this.#world)
    if (!this.#maySend(request)) return
    const connection = await this.#open()
    const { head, body } = encode(this.#noted(request, `cut at ${at}: `))
    const bytes = Buffer.concat([head, body])
    connection.write(bytes.subarray(0, Math.ceil(at * bytes.length)))
    await turn()
    connection.destroy()
    this.#connection = undefined
    this.#answered(undefined, request)
  }

  async #illegal({ request: plan, how, at }: IllegalPlan): Promise<void> {
    const request = render(plan, this.#world)
    // What cannot be read is answered with a body, whatever the method was.
    const method = request.method === 'HEAD' ? 'GET' : request.method
    if (!this.#maySend({ ...request, method: 'DELETE' }) || rollsBack(request)) return
    // Where the body's length is not told, what is in it may rightly be read as a request.
    if (!isStrict(how) && request.body.includes(KEPT)) return
    const bytes = breakRequest(partsOf({ ...request, method }), how, at)
    this.#transcript.add(() => `${how}: ${JSON.stringify(bytes.toString('latin1', 0, 1000))}`)
    using stack = new DisposableStack()
    const connection = await WireConnection.open(this.#stage.http)
    stack.defer(() => connection.destroy())
    connection.write(bytes)
    connection.finish()
    const answers = await connection.rest('GET')
    this.#answered(answers[0]?.status)
    for (const answer of answers) judge({ method: 'GET', target: '*' }, answer)
    if (!isStrict(how)) return
    if (answers.length > 1) throw new Violation(`${how}: the request behind it was answered`)
    const status = answers[0]?.status ?? 400
    if (status < 400) throw new Violation(`${how}: it was answered with ${status}`)
  }

  async #control(plan: RequestPlan, leaves: boolean): Promise<void> {
    const request = render(plan, this.#world)
    if (rollsBack(request)) return
    this.#noted(request, `Unix socket${leaves ? ', and leaves' : ''}: `)
    using stack = new DisposableStack()
    const connection = await WireConnection.open(this.#stage.control)
    stack.defer(() => connection.destroy())
    if (leaves) {
      const { head, body } = encode(request)
      connection.write(Buffer.concat([head, body]))
      await connection.heard()
      this.#answered(undefined, request, 'socket')
      return
    }
    const answer = await exchange(connection, request)
    this.#answered(answer.status, request, 'socket')
    judge(request, answer)
    this.#learn(request, answer)
  }

  #maySend(request: Request): boolean {
    return this.#stage.isGuarded ? !rollsBack(request) : isHarmless(request)
  }

  #judge(request: Request, answer: WireAnswer): void {
    judge(request, answer)
    if (this.#stage.isGuarded) judgeGuarded(request, answer, this.#stage.around.kept.secrets)
  }

  async #open(): Promise<WireConnection> {
    if (this.#connection === undefined || this.#connection.closed) {
      this.#connection?.destroy()
      this.#connection = await WireConnection.open(this.#stage.http)
    }
    return this.#connection
  }

  /** Counts an answer that came, and writes it down. */
  #answered(status: number | undefined, request?: Request, door: Door = 'HTTP'): void {
    this.#stage.onRequest(status, request && { door, request })
    this.#transcript.answered(status)
  }

  #noted(request: Request, how = ''): Request {
    this.#transcript.add(() => `${how}${show(request)}`)
    return request
  }
}

function cancelling(target: string): Request {
  return {
    method: 'DELETE',
    target,
    headers: [],
    body: Buffer.alloc(0),
    hasBody: false,
    framing: 'length',
    pieces: 1,
    type: '',
  }
}
