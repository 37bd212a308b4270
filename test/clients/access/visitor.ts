import type { ToolName } from '../../tools/catalog.ts'
import type { World } from '../client.ts'
import type { Place } from '../support/content.ts'
import type { Door } from './doors.ts'

/** Name and password. */
export interface Login {
  readonly user: string
  readonly password: string
}

/** A client that logs in. */
export interface Visitor {
  readonly name: string
  readonly needs: readonly ToolName[]
  unavailable?(): Promise<string | undefined>
  version(world: World): Promise<string>
  /** Engines are started, images are made. */
  start(world: World): Promise<void>
  stop?(world: World): Promise<void>
  /** Absent where name and password go with each command. */
  login?(world: World, host: string, login: Login): Promise<void>
  /** Whether a login only keeps what it is told, and the first request finds out. */
  readonly believes?: boolean
  /** Why it has no business at a door. */
  readonly cannot?: Partial<Record<Door['mode'], string>>
  /** What else it says when it was refused. */
  readonly refusal?: RegExp
  logout?(world: World, host: string): Promise<void>
  /** @param login for clients without {@link login} */
  push(world: World, place: Place, login?: Login): Promise<void>
  /** Pulls what it has nothing of. */
  pull(world: World, place: Place, login?: Login): Promise<void>
}
