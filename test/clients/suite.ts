import { ACTIONS } from './client.ts'
import type { ToolName } from '../tools/catalog.ts'
import type { Client, World } from './client.ts'

/** One thing that a suite does. */
export interface Step {
  readonly name: string
  /** Why the client cannot do it by its nature; it is not run then. */
  readonly cannot?: string | undefined
  run(world: World): Promise<void>
}

/** A client with its actions, or with its examples of the documentation: what the runner runs. */
export interface Suite extends Pick<Client, 'name' | 'version' | 'start' | 'stop' | 'unavailable'> {
  readonly needs: readonly ToolName[]
  readonly steps: readonly Step[]
}

/** A client, with every action of the matrix: an action of which it says nothing fails. */
export function clientSuite(client: Client, { tls = false } = {}): Suite {
  const steps = ACTIONS.map((name): Step => {
    const { [name]: action } = client.actions
    const overTls = tls ? client.cannotOverTls?.[name] : undefined
    const cannot = action === undefined ? client.cannot?.[name] : overTls
    const nothing = () =>
      Promise.reject(new Error(`${client.name} says neither how it does this nor why it cannot`))
    return { name, cannot, run: action ?? nothing }
  })
  return { ...client, version: (world) => client.version(world), steps }
}
