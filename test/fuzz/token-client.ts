import { randomBytes } from 'node:crypto'
import { RegistryClient } from '../support/client.ts'
import type { Call, ClientAnswer } from '../support/client.ts'

/** Who may do everything, and whose password the generator cannot know. */
export const HONEST_USER = 'honest'
export const HONEST_PASSWORD = randomBytes(24).toString('base64url')

/** Nobody else comes from here: wrong passwords of others do not count against it. */
const ADDRESS = { 'X-Forwarded-For': '198.51.100.7' }

/** Where a challenge says what the token is to be good for. */
const SCOPE = /scope="([^"]{1,400})"/

/** A client that is asked for tokens and gets them, as the Docker token protocol has it: one for each scope it is told. */
export class TokenClient extends RegistryClient {
  readonly #authorization: string
  readonly #tokens = new Map<string, string>()

  constructor(url: string, user: string, password: string) {
    super(url)
    this.#authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  }

  override async call(method: string, path: string, call: Call = {}): Promise<ClientAnswer> {
    const key = keyOf(method, path)
    const answer = await this.#call(method, path, call, this.#tokens.get(key))
    if (answer.status !== 401) return answer
    // The first of its kind, or the token has had its time.
    const [, scope = ''] = SCOPE.exec(answer.headers.get('www-authenticate') ?? '') ?? []
    const token = await this.#ask(scope)
    this.#tokens.set(key, token)
    return this.#call(method, path, call, token)
  }

  #call(
    method: string,
    path: string,
    call: Call,
    token: string | undefined,
  ): Promise<ClientAnswer> {
    const authorization = token === undefined ? {} : { Authorization: `Bearer ${token}` }
    return super.call(method, path, {
      ...call,
      headers: { ...call.headers, ...ADDRESS, ...authorization },
    })
  }

  async #ask(scope: string): Promise<string> {
    const query = new URLSearchParams({ service: 'heliport', scope })
    const answer = await super.call('GET', `/v2/token?${query.toString()}`, {
      headers: { Authorization: this.#authorization, ...ADDRESS },
    })
    if (answer.status !== 200)
      throw new Error(`no token: ${answer.status} ${answer.body.toString()}`)
    return (answer.json() as { token: string }).token
  }
}

/** What a token is good for: so many that are alike need only one. */
function keyOf(method: string, path: string): string {
  const [, name = ''] = /^\/v2\/(.+)\/(?:blobs|manifests|tags|referrers)\//.exec(path) ?? []
  const action = ['GET', 'HEAD'].includes(method) && !path.includes('/uploads/') ? 'pull' : method
  return `${action} ${name.replace(/\/blobs$/, '')}`
}
