import { readFile, stat } from 'node:fs/promises'
import { pathText } from '../config/problems.ts'
import { StartError } from '../ipfs/errors.ts'
import { RepositorySet } from '../oci/repository-pattern.ts'
import { Documents } from '../registry/signatures/documents.ts'
import { SignatureGate } from '../registry/signatures/gate.ts'
import { KeySet } from '../registry/signatures/key-set.ts'
import { KeyError, PublicKey } from '../registry/signatures/public-key.ts'
import { RepositoryRules } from '../registry/signatures/repository-rules.ts'
import { SignedBook } from '../registry/signatures/signed-book.ts'
import type { Config } from '../config/schema.ts'
import type { DurableMap } from '../registry/ports.ts'

/** Larger than any public key we take. */
const KEY_FILE_MAX_BYTES = 64 * 1024

/** What must be signed, with the keys read. */
export interface Signatures {
  readonly rules: RepositoryRules
  /** For each mirror that has keys, by its name. */
  readonly mirrors: ReadonlyMap<string, SignatureGate>
}

/**
 * Reads the keys of the configuration. They are read once: a changed file counts from the next start.
 *
 * @param map what was found signed before
 * @throws StartError, of one line that names the option and the file
 */
export async function openSignatures(
  { ipns, signatures }: Pick<Config, 'ipns' | 'signatures'>,
  map: DurableMap,
): Promise<Signatures> {
  const ofRules = await Promise.all(
    signatures.map(async ({ repositories, keys }, index) => ({
      repositories: new RepositorySet(repositories),
      keys: await readKeys(pathText(['signatures', index, 'keys']), keys),
    })),
  )
  const ofMirrors = await Promise.all(
    ipns.readOnlyKeys.flatMap(({ text, signedBy }, index) =>
      signedBy.length === 0
        ? []
        : [
            readKeys(pathText(['ipns', 'readOnlyKeys', index, 'signedBy']), signedBy).then(
              (keys) => ({
                text,
                keys,
              }),
            ),
          ],
    ),
  )
  const ids = new Set([...ofRules, ...ofMirrors].map(({ keys }) => keys.id))
  const book = await SignedBook.open(map, ids)
  const documents = new Documents()
  const gateOf = (keys: KeySet) => new SignatureGate(keys, book, documents)
  return {
    rules: new RepositoryRules(
      ofRules.map(({ repositories, keys }) => ({
        repositories,
        gate: gateOf(keys),
      })),
    ),
    mirrors: new Map(ofMirrors.map(({ text, keys }) => [text, gateOf(keys)])),
  }
}

async function readKeys(option: string, files: readonly string[]): Promise<KeySet> {
  return new KeySet(await Promise.all(files.map((file) => readKey(option, file))))
}

async function readKey(option: string, file: string): Promise<PublicKey> {
  const problem = (what: string, cause: unknown): Error =>
    new StartError(`${option}: ${file} ${what}`, { cause })
  let text: string
  try {
    const { size } = await stat(file)
    if (size > KEY_FILE_MAX_BYTES) throw new KeyError(`has ${size} bytes: that is no public key`)
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof KeyError) throw problem(error.message, error)
    throw problem(`cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`, error)
  }
  try {
    return PublicKey.parse(text)
  } catch (error) {
    if (!(error instanceof KeyError)) throw error
    throw problem(error.message, error)
  }
}
