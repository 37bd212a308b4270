import { parseArgs } from 'node:util'

/** What `npm run test:clients -- …` was asked for. */
export interface Arguments {
  /** Clients to run; all of them when there are none. */
  names: readonly string[]
  /** Clients that must be there: a missing program is a failure. */
  required: readonly string[]
  /** Whether `docs/client-matrix.md` is written. */
  write: boolean
  /** Whether the daemons speak TLS. */
  tls: boolean
}

export const USAGE = `Usage: npm run test:clients -- [names…] [--require names] [--tls] [--write]

  names            the clients to run, like: docker crane (all of them, if none is given)
  --require names  clients that must be there, separated by commas: what is missing is a failure
  --tls            over TLS, by a certificate that the clients know; without the examples of docs/clients.md
  --write          write the results to docs/client-matrix.md; it takes all clients`

/** @throws with a message for the user when a name or an option is not known */
export function parseArguments(args: readonly string[], known: readonly string[]): Arguments {
  const { values, positionals: names } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      require: { type: 'string', default: '' },
      write: { type: 'boolean', default: false },
      tls: { type: 'boolean', default: false },
    },
  })
  const required = values.require.split(',').filter((name) => name !== '')
  for (const name of [...names, ...required])
    if (!known.includes(name)) throw new Error(`no client is called ${name}: ${known.join(', ')}`)
  if (values.write && names.length > 0) throw new Error('--write takes all clients: give no names')
  if (values.write && values.tls) throw new Error('--write is for the run without --tls')
  return { names, required, write: values.write, tls: values.tls }
}
