import { OPEN_ACCESS } from '../../src/access/open.ts'
import { httpRouter, routeOf, routesOf, socketRouter } from '../support/route-table.ts'
import type { TokenService } from '../../src/access/ports.ts'
import type { Request } from './render.ts'

/** By which door a request came: the HTTP port, or the daemon's Unix socket. */
export type Door = 'HTTP' | 'socket'

/** What the HTTP port has when it asks for tokens: all it ever has. */
const ROUTERS = {
  HTTP: httpRouter({ ...OPEN_ACCESS, tokens: {} as TokenService }),
  socket: socketRouter(),
} as const

/** How often a route was asked: answered well (below 400), refused, or left before the answer came. */
export interface Asked {
  well: number
  refused: number
  left: number
}

/** Which routes the requests came to. */
export class Reached {
  readonly #asked = new Map<string, Asked>()

  constructor() {
    for (const door of Object.keys(ROUTERS) as Door[])
      for (const route of routesOf(ROUTERS[door]))
        this.#asked.set(nameOf(door, route), { well: 0, refused: 0, left: 0 })
  }

  note(
    door: Door,
    { method, target }: Pick<Request, 'method' | 'target'>,
    status: number | undefined,
  ): void {
    const route = routeOf(ROUTERS[door], method, target)
    const asked = route === undefined ? undefined : this.#asked.get(nameOf(door, route))
    if (asked === undefined) return
    if (status === undefined) asked.left++
    else if (status < 400) asked.well++
    else asked.refused++
  }

  /** By the name of the route, as the routers' tables have them. */
  get routes(): ReadonlyMap<string, Readonly<Asked>> {
    return this.#asked
  }

  /** Those that nobody has asked. */
  get missing(): string[] {
    return [...this.#asked].flatMap(([name, { well, refused }]) =>
      well + refused === 0 ? [name] : [],
    )
  }
}

function nameOf(door: Door, route: string): string {
  return `${route}${door === 'socket' ? ' (socket)' : ''}`
}
