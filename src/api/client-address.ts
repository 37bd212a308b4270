import { isLocal } from './connection.ts'
import type { ApiContext } from './context.ts'

/** From where a request came, as the audit log has it: an IP address, or `local` for the daemon's own socket. */
export function clientAddress({ req: { socket }, state }: ApiContext): string | undefined {
  return isLocal(socket) ? 'local' : state.client.address
}
