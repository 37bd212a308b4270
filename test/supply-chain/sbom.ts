import { writeFile } from 'node:fs/promises'
import { billOf } from './bom.ts'
import { readLock } from './lock.ts'

/*
 * `npm run sbom`: prints the bill of materials (CycloneDX) of what is installed with us; `npm run sbom -- FILE` writes it.
 * Not npm's own: on this lock file `npm sbom --omit=dev` leaves out libp2p and hundreds more (npm 11.19).
 */

const [file] = process.argv.slice(2)
const text = `${JSON.stringify(billOf(await readLock()), null, 2)}\n`
if (file === undefined) process.stdout.write(text)
else await writeFile(file, text)
