import { RegistryError } from '../oci/errors.ts'
import { sendJson } from './answer.ts'
import { noteFailedLogin } from './audit.ts'
import { readWhole } from './body.ts'
import { queryOf } from './params.ts'
import type { Access, Presented, TokenRequest, TokenService } from '../access/ports.ts'
import type { ApiContext, ApiLimits, RouteContext } from './context.ts'

/** A form of the OAuth2 way, in bytes. */
const MAX_FORM = 16 * 1024

const FORM = 'application/x-www-form-urlencoded'

/**
 * `GET /v2/token` and `POST /v2/token`: the Docker token protocol ("Token Authentication Specification", and "OAuth2 Token
 * Authentication" with `grant_type=password`). There are no refresh tokens: whoever has a password may come again.
 */
export function tokenRoutes({ tokens }: Access, limits: ApiLimits) {
  return {
    get: async (ctx: RouteContext): Promise<void> => {
      const query = queryOf(ctx)
      await answer(ctx, {
        presented: presentedBy(ctx),
        service: query.get('service') ?? undefined,
        scopes: query.getAll('scope'),
      })
    },

    post: async (ctx: RouteContext): Promise<void> => {
      const form = await readForm(ctx, limits)
      if (form.get('grant_type') !== 'password')
        throw bad('the only grant_type there is here is password')
      const credentials = `${form.get('username') ?? ''}:${form.get('password') ?? ''}`
      const authorization = [`Basic ${Buffer.from(credentials).toString('base64')}`]
      await answer(ctx, {
        presented: { ...presentedBy(ctx), authorization },
        service: form.get('service') ?? undefined,
        scopes: form.getAll('scope'),
      })
    },
  }

  async function answer(ctx: ApiContext, request: TokenRequest): Promise<void> {
    if (tokens === undefined)
      throw new RegistryError('NAME_UNKNOWN', { message: 'there are no tokens here' })
    const { token, expiresIn, issuedAt } = await issue(ctx, tokens, request)
    ctx.set('Cache-Control', 'no-store')
    sendJson(ctx, {
      token,
      access_token: token,
      expires_in: expiresIn,
      issued_at: issuedAt.toISOString(),
    })
  }
}

async function issue(ctx: ApiContext, tokens: TokenService, request: TokenRequest) {
  try {
    return await tokens.issue(request, { signal: ctx.state.signal })
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== 'UNAUTHORIZED') throw error
    noteFailedLogin(ctx, error)
    throw new RegistryError('UNAUTHORIZED', {
      message: error.message,
      cause: error,
      headers: { 'WWW-Authenticate': tokens.challenge },
    })
  }
}

function presentedBy({ req, state }: ApiContext): Presented {
  return {
    authorization: req.headersDistinct['authorization'] ?? [],
    address: state.client.address,
  }
}

async function readForm(ctx: ApiContext, { bodyIdleMs }: ApiLimits): Promise<URLSearchParams> {
  if (ctx.req.headers['content-type']?.split(';')[0]?.trim().toLowerCase() !== FORM)
    throw bad(`a form (${FORM}) is needed`)
  const tooLarge = (): Error => new RegistryError('TOO_LARGE', { message: 'the form is too long' })
  const body = await readWhole(ctx.req, ctx.res, { idleMs: bodyIdleMs, limit: MAX_FORM, tooLarge })
  return new URLSearchParams(Buffer.from(body).toString('utf8'))
}

function bad(message: string): RegistryError {
  return new RegistryError('UNSUPPORTED', { status: 400, message })
}
