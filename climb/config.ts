/** What the local stack is configured with, beside its phase: `pulumi config` shows it, and a person may change it. */
export const localConfig: Readonly<Record<string, string>> = {
  "aws:region": "us-east-1",
  "chirp:domainName": "chirp.localhost",
  "chirp:hostedZoneId": "Z0CHIRPLOCALHOST",
  // Everybody who uses the address asks again after two seconds, so a switch takes seconds too.
  "chirp:recordTtl": "2",
  // On one machine everybody comes from one address, however many they are.
  "chirp:rateLimit": "1000000",
};
