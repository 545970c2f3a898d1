// Runs the audits of graphql-http against a server, whose URL is the argument. All must be right, also those that only may be.
import { serverAudits } from 'graphql-http';

const url = process.argv[2];
const audits = serverAudits({ url, fetchFn: fetch });
const results = await Promise.all(audits.map((audit) => audit.fn()));
const wrong = results.filter((result) => result.status !== 'ok');
for (const { status, id, name, reason } of wrong) {
  console.error(`${status}: ${id} ${name}: ${reason}`);
}
console.log(`graphql-http: ${results.length - wrong.length} of ${results.length}`);
process.exit(wrong.length === 0 && results.length >= 61 ? 0 : 1);
