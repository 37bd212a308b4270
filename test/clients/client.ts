import type { ToolName } from '../tools/catalog.ts'

/**
 * The client matrix: each real client does the same actions against real daemons. A client that cannot do something by
 * its nature leaves the action out, and says why in `cannot`; everything else must work.
 */
export const ACTIONS = [
  'push',
  'pull by tag',
  'pull by digest',
  'list tags',
  'copy to another daemon',
  'delete',
  'multi-platform index',
  'artifact with subject',
  'pull through a mirror',
] as const

export type Action = (typeof ACTIONS)[number]

/** What every action gets. */
export interface World {
  /** `127.0.0.1:<port>` of the daemon that is pushed to. */
  readonly host: string
  /** `127.0.0.1:<port>` of a second, independent daemon, to copy to. */
  readonly other: string
  /** `127.0.0.1:<port>` of a daemon that only knows the first one's IPNS name, and mirrors it. */
  readonly mirror: string
  /** An empty directory for this client alone; removed afterwards. */
  readonly directory: string
  /** Where the client's program is. */
  readonly tool: (name: ToolName) => string
  readonly signal: AbortSignal
}

/** One client. Its actions run in the order of {@link ACTIONS}, and later ones may build on what earlier ones pushed. */
export interface Client {
  readonly name: string
  /** The programs that it takes; when one is missing on this machine, the client is named as skipped. */
  readonly needs: readonly ToolName[]
  /** What else this machine has not (root, a kernel, a program of no package), in a few words; `undefined` when it can run. */
  unavailable?(): Promise<string | undefined>
  /** Its version, as it prints it. */
  version(world: World): Promise<string>
  /** Before the first action: engines are started, images are made. */
  start?(world: World): Promise<void>
  /** Each throws when what it saw is not what it must be. */
  readonly actions: Partial<Record<Action, (world: World) => Promise<void>>>
  /** Why an action is left out: what this client has no command for. */
  readonly cannot?: Partial<Record<Action, string>>
  /** The same, where the registry speaks TLS on loopback. */
  readonly cannotOverTls?: Partial<Record<Action, string>>
  /** After the last action, also when one failed. */
  stop?(world: World): Promise<void>
}
