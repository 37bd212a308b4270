import { HalvesReader } from './halves-reader.ts'
import { TreeReader } from './reader.ts'
import { RootView } from './view.ts'
import type { PublishRules } from '../oci/publish-rules.ts'
import type { RegistryReader, RegistrySource } from '../registry/ports.ts'
import type { DirectoryReader } from './directory.ts'
import type { UsedRoots } from './used-roots.ts'
import type { CID } from 'multiformats/cid'

/** The roots of our two trees after one commit. */
export interface Roots {
  /** The tree that is published. */
  readonly public: CID
  /** The tree that is not; `undefined` while nothing is in it. */
  readonly private: CID | undefined
}

/** How a registry of ours is read. */
export interface OwnParts {
  readonly directories: DirectoryReader
  readonly used: UsedRoots
  readonly rules: PublishRules
}

/** Our own registry as of the last commit. */
export class OwnSource implements RegistrySource {
  readonly name = 'own'
  readonly #roots: () => Roots
  readonly #parts: OwnParts

  constructor(roots: () => Roots, parts: OwnParts) {
    this.#roots = roots
    this.#parts = parts
  }

  reader(): RegistryReader {
    return ownReader(this.name, this.#roots(), this.#parts)
  }
}

/** A reader over our registry under some roots, which are noted as used. */
export function ownReader(
  source: string,
  roots: Roots,
  { directories, used, rules }: OwnParts,
): RegistryReader {
  const read = (root: CID): RegistryReader => {
    used.note(root)
    return new TreeReader(source, new RootView(root, directories), directories.source)
  }
  const published = read(roots.public)
  if (roots.private === undefined) return published
  return new HalvesReader({ public: published, private: read(roots.private), rules })
}
