import { align } from './align.ts'
import { compare } from './compare.ts'
import { INTENDED } from './intended.ts'
import { learn } from './learn.ts'
import { namesOf } from './listing.ts'
import { renderRequest } from './request.ts'
import { SIDES, World } from './world.ts'
import type { Difference, Exchange } from './exchange.ts'
import type { Intended } from './intended.ts'
import type { Step } from './step.ts'
import type { Sender } from './wire.ts'
import type { Both } from './world.ts'

/** Where sequences are played. */
export interface Stage {
  readonly wires: Both<Sender>
  /** A name that no sequence before had, and that comes behind all of theirs. */
  readonly prefix: string
  /** Told of every exchange, with the entries of the list that explain how the answers differ. */
  readonly onExchange?: (exchange: Exchange, explained: readonly Intended[]) => void
}

/** Two answers differ, and no entry of the list says why. */
export class Unexplained extends Error {
  static override readonly name = 'Unexplained'
  override readonly name = 'Unexplained'
  readonly differences: readonly Difference[]
  /** All that was played; the last one is what differs. */
  readonly exchanges: readonly Exchange[]

  constructor(differences: readonly Difference[], exchanges: readonly Exchange[]) {
    const list = differences.map((each) => `${each.aspect}: ${each.heliport} <> ${each.reference}`)
    super(list.join('; '))
    this.differences = differences
    this.exchanges = exchanges
  }
}

/**
 * Plays a sequence on both registries, and looks at the end at all that was touched.
 *
 * @throws Unexplained at the first difference that is not intended
 */
export async function play(steps: readonly Step[], stage: Stage): Promise<void> {
  const player = new Player(stage)
  try {
    for (const step of steps) {
      await player.step(step)
      for (const probe of probesAfter(step)) await player.step(probe)
    }
    for (const step of [...player.world.audit.values()]) await player.step(step)
  } finally {
    await player.endUploads()
  }
}

/** What is looked at at once: a mount says nothing of what was mounted, and an error not whether the upload has ended. */
function probesAfter(step: Step): Step[] {
  if (step.do === 'mount') {
    const { repository, digest } = step
    return [{ do: 'blob', method: 'HEAD', repository, digest }]
  }
  return step.do === 'finish' ? [{ do: 'status', method: 'GET', upload: step.upload }] : []
}

class Player {
  readonly world: World
  readonly #stage: Stage
  readonly #exchanges: Exchange[] = []

  constructor(stage: Stage) {
    this.#stage = stage
    this.world = new World(stage.prefix)
  }

  async step(step: Step): Promise<void> {
    const exchange = await this.#perform(step)
    this.#exchanges.push(exchange)
    const differences = compare(exchange)
    const explains = (entry: Intended, { aspect }: Difference): boolean =>
      entry.aspects.includes(aspect) && entry.when(exchange, aspect)
    const entries = INTENDED.filter((entry) => differences.some((each) => explains(entry, each)))
    const unexplained = differences.filter(
      (each) => !entries.some((entry) => explains(entry, each)),
    )
    if (unexplained.length > 0) throw new Unexplained(unexplained, this.#exchanges)
    this.#stage.onExchange?.(exchange, entries)
    learn(exchange)
    if (entries.some((entry) => entry.aligns === true)) await align(exchange, this.#stage.wires)
  }

  /** Both keep uploads for days, and Heliport only so many. */
  async endUploads(): Promise<void> {
    for (const { open, locations } of this.world.uploads) {
      if (!open) continue
      for (const side of SIDES)
        await this.#stage.wires[side].send({ method: 'DELETE', path: locations[side], headers: {} })
    }
  }

  /** Sends the step to both at once. */
  async #perform(step: Step): Promise<Exchange> {
    const { world } = this
    const { wires } = this.#stage
    const requests = {
      heliport: renderRequest(step, world, 'heliport'),
      reference: renderRequest(step, world, 'reference'),
    }
    const [heliport, reference] = await Promise.all([
      wires.heliport.send(requests.heliport),
      wires.reference.send(requests.reference),
    ])
    const upload = 'upload' in step ? world.upload(step.upload) : undefined
    const exchange = { step, world, upload: upload && { ...upload }, requests, heliport, reference }
    if (step.do !== 'tags' && step.do !== 'catalog') return exchange
    if (heliport.status !== 200 || reference.status !== 200) return exchange
    const names = {
      heliport: await namesOf(step, heliport, wires.heliport, world),
      reference: await namesOf(step, reference, wires.reference, world),
    }
    return { ...exchange, names }
  }
}
