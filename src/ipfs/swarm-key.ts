import { StartError, errorCode } from './errors.ts'
import { readSecretFile } from './secret-file.ts'

/** What a swarm key's file begins with (libp2p specs, "Private Networks"). */
const HEADER = '/key/swarm/psk/1.0.0/'
const KEY_BYTES = 32
/** A key in hex is 95 bytes, one in Kubo's other spellings shorter. */
const LARGEST = 1024

const MAKE =
  'copy it from a node of the swarm, or make one for a new swarm by heliport swarm key -o FILE'

/**
 * Reads the pre-shared key of a private network: 32 bytes, in a file as Kubo has it (`swarm.key`).
 *
 * @throws StartError when there is no such file, others may read it, or it holds no key
 */
export async function readSwarmKey(file: string): Promise<Uint8Array> {
  const bytes = await read(file)
  if (bytes === undefined) throw wrong(file, `does not exist: ${MAKE}`)
  if (bytes.length === 0) throw wrong(file, `is empty: ${MAKE}`)
  const key = bytes.length > LARGEST ? undefined : parseSwarmKey(bytes)
  if (key === undefined) {
    const form = `"${HEADER}", "/base16/", and ${KEY_BYTES * 2} hexadecimal digits`
    throw wrong(file, `is no swarm key, or is damaged: its three lines must be ${form}; ${MAKE}`)
  }
  return key
}

async function read(file: string): Promise<Buffer | undefined> {
  try {
    return await readSecretFile(file)
  } catch (error) {
    if (error instanceof StartError) throw wrong(file, error.message.slice(file.length + 1))
    const code = errorCode(error)
    if (code === undefined) throw error
    throw new StartError(`network.swarmKey: ${file} cannot be read (${code}): check the path`, {
      cause: error,
    })
  }
}

function wrong(file: string, what: string): StartError {
  return new StartError(`network.swarmKey: ${file} ${what}`)
}

/** The key in Kubo's file format, in each of the three encodings that Kubo reads; `undefined` when it is none. */
export function parseSwarmKey(bytes: Uint8Array): Uint8Array | undefined {
  const text = Buffer.from(bytes).toString('latin1')
  const [, encoding, rest = ''] =
    /^\/key\/swarm\/psk\/1\.0\.0\/\r?\n\/(\w+)\/\r?\n([^]*)$/.exec(text) ?? []
  const key = decode(encoding, rest)
  return key?.length === KEY_BYTES ? key : undefined
}

function decode(encoding: string | undefined, text: string): Uint8Array | undefined {
  const line = text.trimEnd()
  switch (encoding) {
    case 'base16':
      return /^([0-9a-f]{2})+$/i.test(line) ? Buffer.from(line, 'hex') : undefined
    case 'base64':
      return /^[A-Za-z0-9+/]{43}=$/.test(line) ? Buffer.from(line, 'base64') : undefined
    case 'bin':
      return Buffer.from(text, 'latin1')
    default:
      return undefined
  }
}

/** A key as a file's text, in the encoding that everybody reads. */
export function formatSwarmKey(key: Uint8Array): string {
  return `${HEADER}\n/base16/\n${Buffer.from(key).toString('hex')}`
}
