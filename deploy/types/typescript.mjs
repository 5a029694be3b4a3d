// Turns the JSON Schema on standard input into TypeScript on standard output.
import { readFileSync } from "node:fs";
import { compile } from "json-schema-to-typescript";

const schema = JSON.parse(readFileSync(0, "utf8"));
// An object has what its schema names, unless the schema itself says that there may be more: otherwise no misspelt name would show.
const options = { additionalProperties: false, bannerComment: "", unreachableDefinitions: true };
const text = await compile(schema, schema.title, options);
// Each definition says that it is one; the comments that are left are the descriptions in the schemas.
const noise = /( \*\n)? \* This interface was referenced by [^\n]*\n \* via the `definition` [^\n]*\n/g;
process.stdout.write(text.replace(noise, "").replace(/\/\*\*\n \*\/\n/g, ""));
