import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { run } from '../../src/cli/run.ts'
import type { CommandIO } from '../../src/cli/io.ts'
import type { CheckModule, DaemonModule } from '../../src/cli/daemon-face.ts'
import type { ServerResponse } from 'node:http'

/** A directory that is gone after the test; short, so that a socket fits in it. */
export async function scratch(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'hp-cli-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export interface Outcome {
  code: number
  stdout: string
  stderr: string
}

/** The daemon's code as it is when nothing of it may be used. */
const UNUSED: DaemonModule & CheckModule = {
  startDaemon: () => Promise.reject(new Error('the daemon was started')),
  openKeysOffline: () => Promise.reject(new Error('the keychain was opened')),
  exportOffline: () => Promise.reject(new Error('the tree was opened')),
  checkOffline: () => {
    throw new Error('the storage was opened')
  },
}

/** Runs a command line in this process. */
export async function heliport(
  argv: readonly string[],
  world: Partial<Omit<CommandIO, 'loadDaemon' | 'loadCheck'>> & {
    daemon?: Partial<DaemonModule & CheckModule>
  } = {},
): Promise<Outcome> {
  const outcome = { code: -1, stdout: '', stderr: '' }
  const { daemon, ...rest } = world
  outcome.code = await run(argv, {
    stdout: { write: (text: string) => (outcome.stdout += text) },
    stderr: { write: (text: string) => (outcome.stderr += text) },
    env: {},
    cwd: '/nowhere',
    signal: new AbortController().signal,
    pid: 4711,
    now: () => 0,
    readSecret: () => Promise.reject(new Error('a secret was asked for')),
    loadUsers: () => import('../../src/access/users.ts'),
    loadDaemon: () => Promise.resolve({ ...UNUSED, ...daemon }),
    loadCheck: () => Promise.resolve({ ...UNUSED, ...daemon }),
    ...rest,
  })
  return outcome
}

/** What a fake daemon saw. */
export interface Seen {
  route: string
  body: unknown
}

type Answers = Record<string, (response: ServerResponse, body: unknown) => void>

/** Something that answers at a Unix socket as the daemon would. */
export async function fakeDaemon(
  socket: string,
  answers: Answers,
): Promise<{ seen: Seen[] } & AsyncDisposable> {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const route = `${request.method} ${request.url}`
    if (request.headers.host !== 'localhost') return void response.writeHead(403).end()
    if (route === 'GET /healthz') return void response.end('ok')
    const body = request.method === 'POST' ? json(request) : Promise.resolve(undefined)
    body.then(
      (value) => {
        seen.push({ route, body: value })
        const answer = answers[route]
        if (answer === undefined) response.writeHead(404).end('no such page')
        else answer(response, value)
      },
      (error: unknown) => response.destroy(error as Error),
    )
  })
  server.listen(socket)
  await once(server, 'listening')
  return {
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
