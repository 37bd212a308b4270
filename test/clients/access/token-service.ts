import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { SignJWT } from 'jose'
import { PEOPLE } from './people.ts'
import type { KeyObject } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface ServiceOptions {
  readonly privateKey: KeyObject
  readonly service: string
  readonly issuer: string
}

/** Somebody else's token service: all may pull, Alice may push. */
export async function startTokenService(
  options: ServiceOptions,
): Promise<{ realm: string } & AsyncDisposable> {
  const server = createServer((request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      response.writeHead(500).end(String(error))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    realm: `http://127.0.0.1:${port}/token`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, options: ServiceOptions) {
  const { searchParams } = new URL(request.url ?? '/', 'http://localhost')
  const form = request.method === 'POST' ? new URLSearchParams(await text(request)) : searchParams
  const [, basic = ''] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? []
  const [first = '', ...rest] = Buffer.from(basic, 'base64').toString().split(':')
  const user = form.get('username') ?? first
  const password = form.get('password') ?? rest.join(':')
  if (user !== '' && (PEOPLE as Record<string, string>)[user] !== password)
    return void response.writeHead(401).end('{"details":"wrong name or password"}')
  const access = form
    .getAll('scope')
    .flatMap((scope) => scope.split(' '))
    .flatMap((scope) => granted(scope, user))
  const token = await new SignJWT({ access })
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT' })
    .setIssuer(options.issuer)
    .setAudience(options.service)
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(options.privateKey)
  response.writeHead(200, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify({ token, access_token: token, expires_in: 300 }))
}

function granted(scope: string, user: string): object[] {
  const [type, name, actions = ''] = scope.split(':')
  if (type !== 'repository') return []
  const may = user === 'alice' ? ['pull', 'push'] : ['pull']
  return [{ type, name, actions: actions.split(',').filter((action) => may.includes(action)) }]
}
