import { ChangingRules } from '../../src/access/changing.ts'
import { createApp } from '../../src/api/app.ts'
import { listen } from '../../src/api/server.ts'
import { parseName, parseTag } from '../../src/oci/name.ts'
import { tryParsePattern } from '../../src/oci/repository-pattern.ts'
import { tryParseTagPattern } from '../../src/oci/tag-pattern.ts'
import { pino } from 'pino'
import { call } from './http.ts'
import { randomImage, store } from './random-image.ts'
import { createRegistry } from './registry-setup.ts'
import type { AccessInit } from '../../src/access/changing.ts'
import type { Access, Action, Principal, TokenService } from '../../src/access/ports.ts'
import type { AppOptions } from '../../src/api/app.ts'
import type { Control } from '../../src/api/control-face.ts'
import type { MemoryRegistry } from './memory-ports.ts'
import type { RegistrySetup } from './registry-setup.ts'
import type { Answer, CallOptions } from './http.ts'
import type { RandomManifest } from './random-image.ts'

/** A policy as an operator writes it, in one line: `team/**: @builders ci -> pull push`; `anyone`, `users`. */
export function policies(...lines: string[]): AccessInit['policies'] {
  return lines.map((line) => {
    const [, repositories = '', who = '', allow = ''] = /^(.+): (.+) -> (.+)$/.exec(line) ?? []
    const names = who.split(' ')
    return {
      repositories: repositories.split(' ').map((text) => tryParsePattern(text)!),
      users: names.filter((name) => !/^@|^anyone$|^users$/.test(name)),
      groups: names.filter((name) => name.startsWith('@')).map((name) => name.slice(1)),
      authenticated: names.includes('users'),
      anonymous: names.includes('anyone'),
      allow: allow.split(' ') as Action[],
    }
  })
}

/** Tags that stay: `team/**:v*`. */
export function immutableTags(...lines: string[]): AccessInit['immutableTags'] {
  return lines.map((line) => {
    const [repository = '', tag = ''] = line.split(':')
    return { repositories: [tryParsePattern(repository)!], tags: [tryParseTagPattern(tag)!] }
  })
}

/** A section `access`. */
export function access(init: Partial<AccessInit> = {}): AccessInit {
  return {
    groups: {},
    admins: { users: [], groups: [] },
    policies: [],
    immutableTags: [],
    readOnly: false,
    ...init,
  }
}

/** Whoever asks gets a token of nothing. */
export const TOKENS: TokenService = {
  challenge: 'Basic realm="test"',
  issue: async () => ({ token: 'none', expiresIn: 300, issuedAt: new Date(0) }),
}

/** `Authorization: anna` is Anna; `token:anna:pull` is she with a token that is good for pulls alone. */
export function authenticated(policy: Access['policy']): Access {
  return {
    policy,
    authenticator: {
      admitsAnonymous: true,
      identify: async ({ authorization: [text = ''] }): Promise<Principal> => {
        const [, user = text, scope] = /^token:(\w+):(\w+)$/.exec(text) ?? []
        const who = { user: user === '' ? undefined : user, groups: [] }
        return scope === undefined ? who : { ...who, grant: (action) => action === scope }
      },
      challenge: () => 'Basic realm="test"',
    },
    tokens: TOKENS,
  }
}

/** A whole registry behind HTTP, with users. */
export async function openWorld(
  init: AccessInit,
  options: Partial<AppOptions> & { setup?: RegistrySetup } = {},
) {
  const rules = new ChangingRules(init)
  const registry = await createRegistry({ ...options.setup, rules })
  const log = pino({ level: 'silent' })
  const app = createApp({
    service: registry.service,
    access: authenticated(rules),
    hosts: [],
    status: () => ({ version: 'test', peerId: 'secret' }),
    readiness: () => ({ ready: true }),
    version: 'test',
    control: CONTROL,
    log,
    ...options,
    limits: { blob: 1_000_000 },
  })
  const listener = await listen(app, { host: '127.0.0.1', port: 0, log })
  const port = listener.port!
  const as =
    (user: string) =>
    (line: string, { headers = {}, body }: CallOptions = {}): Promise<Answer> => {
      const [method = '', path = ''] = line.split(' ')
      const who = user === '' ? {} : { authorization: user }
      return call({ port }, method, path, {
        headers: { ...headers, ...who },
        ...(body && { body }),
      })
    }
  const close = () => listener.close({ signal: AbortSignal.abort() })
  return { ...registry, rules, as, [Symbol.asyncDispose]: close }
}

/** Puts an image with tags into a repository, past all rules. */
export async function seed(
  registry: MemoryRegistry,
  name: string,
  ...tags: string[]
): Promise<RandomManifest> {
  const image = randomImage()
  const repository = parseName(name)
  await store({ writer: registry, content: registry.content }, repository, image)
  await registry.transact(async (tx) => {
    for (const tag of tags) await tx.setTag(repository, parseTag(tag), image.digest)
  })
  return image
}

/** A daemon that does as it is told, which is nothing. */
export const CONTROL: Control = {
  listKeys: async () => [],
  exportKey: async () => new Uint8Array(),
  importKey: async (name) => ({ name, id: 'k51' }),
  takeOver: async () => ({ id: 'k51', above: '1' }),
  commits: async () => [],
  diff: nothing,
  collect: nothing,
  check: nothing,
  rollback: nothing,
  exportTree: nothing,
}

async function* nothing(): AsyncGenerator<never> {
  // nothing comes
}
