import { Server, ServerCredentials, status, Metadata } from "@grpc/grpc-js";
import type { ServiceError, sendUnaryData, ServerUnaryCall } from "@grpc/grpc-js";
import pluginMessages from "@pulumi/pulumi/proto/plugin_pb.js";
import services from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import statusMessages from "@pulumi/pulumi/proto/status_pb.js";
import any from "google-protobuf/google/protobuf/any_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import type struct from "google-protobuf/google/protobuf/struct_pb.js";
import { parseUrn, type Properties } from "../aws/record.ts";
import { findType } from "../aws/types/index.ts";
import type { LocalAws } from "../local-aws.ts";
import { loopback } from "../process/ports.ts";
import { findDifference } from "./difference.ts";
import { EngineLog, messageLimits, ResourceMonitor, toStruct } from "./engine.ts";
import { invoke } from "./invokes.ts";
import { Operations, Unsettled } from "./operations.ts";
import { unwrap } from "./values.ts";
import { registerVpc } from "./vpc.ts";

/** Version of the packages that this provider stands in for: children of components share it. */
const awsVersion = "7.48.0";

/** A provider for the packages `aws` and `awsx` that an engine attaches to with `PULUMI_DEBUG_PROVIDERS`. */
export interface ProviderServer {
  readonly port: number;
  stop(): void;
}

/** Serves the local AWS to engines, on a free port of the loopback address. */
export async function serveProvider(aws: LocalAws): Promise<ProviderServer> {
  const server = new Server(messageLimits);
  server.addService(services.ResourceProviderService, handlers(aws));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${loopback}:0`, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { port, stop: () => server.forceShutdown() };
}

function handlers(aws: LocalAws) {
  const operations = new Operations(aws);
  let engine: EngineLog | undefined;

  return {
    attach: answer(async (request: pluginMessages.PluginAttach) => {
      engine?.close();
      engine = new EngineLog(request.getAddress());
      aws.tell = (message, urn) => engine?.warn(message, urn);
      return new empty.Empty();
    }),
    cancel: answer(async () => {
      aws.cancel();
      return new empty.Empty();
    }),
    getPluginInfo: answer(async () => {
      const info = new pluginMessages.PluginInfo();
      info.setVersion(awsVersion);
      return info;
    }),
    getSchema: answer(async () => {
      const response = new messages.GetSchemaResponse();
      response.setSchema("{}");
      return response;
    }),
    checkConfig: answer(async (request: messages.CheckRequest) => {
      const response = new messages.CheckResponse();
      response.setInputs(request.getNews());
      return response;
    }),
    // The local AWS is one account in one place: no change of the provider's settings replaces anything.
    diffConfig: answer(async () => {
      const response = new messages.DiffResponse();
      response.setChanges(messages.DiffResponse.DiffChanges.DIFF_NONE);
      return response;
    }),
    configure: answer(async (request: messages.ConfigureRequest) => {
      const region = fromStruct(request.getArgs()).region ?? request.getVariablesMap().get("aws:config:region");
      if (typeof region === "string") aws.region = region;
      const response = new messages.ConfigureResponse();
      // Where a provider takes no secrets, the engine sends plain values and marks what comes back. One that serves
      // components has to take them.
      response.setAcceptsecrets(request.getType() === "pulumi:providers:awsx");
      response.setAcceptresources(false);
      response.setSupportspreview(true);
      return response;
    }),
    invoke: answer(async (request: messages.InvokeRequest) => {
      const response = new messages.InvokeResponse();
      response.setReturn(toStruct(invoke(request.getTok(), fromStruct(request.getArgs()), aws)));
      return response;
    }),
    check: answer(async (request: messages.CheckRequest) => {
      const before = request.hasOlds() ? fromStruct(request.getOlds()) : undefined;
      const { inputs, failures } = operations.check(request.getUrn(), before, fromStruct(request.getNews()));
      const response = new messages.CheckResponse();
      response.setInputs(toStruct(inputs));
      for (const { property, reason } of failures) {
        const failure = new messages.CheckFailure();
        failure.setProperty(property);
        failure.setReason(reason);
        response.addFailures(failure);
      }
      return response;
    }),
    diff: answer(async (request: messages.DiffRequest) => {
      const { type } = parseUrn(request.getUrn());
      operations.noted(type, request.getId(), request.getUrn());
      const olds = request.hasOldInputs() ? request.getOldInputs() : request.getOlds();
      return diffResponse(findDifference(type, findType(type), fromStruct(olds), fromStruct(request.getNews())));
    }),
    create: answer(async (request: messages.CreateRequest) => {
      const response = new messages.CreateResponse();
      const inputs = fromStruct(request.getProperties());
      if (request.getPreview()) {
        response.setProperties(toStruct(operations.previewCreate(inputs)));
        return response;
      }
      const { id, outputs } = await operations.create(request.getUrn(), inputs);
      response.setId(id);
      response.setProperties(toStruct(outputs));
      return response;
    }),
    read: answer(async (request: messages.ReadRequest) => {
      const response = new messages.ReadResponse();
      const found = operations.read(parseUrn(request.getUrn()).type, request.getId(), request.getUrn());
      if (!found) return response;
      response.setId(found.id);
      response.setProperties(toStruct(found.outputs));
      response.setInputs(toStruct(found.inputs));
      return response;
    }),
    update: answer(async (request: messages.UpdateRequest) => {
      const response = new messages.UpdateResponse();
      const [id, urn, news] = [request.getId(), request.getUrn(), fromStruct(request.getNews())];
      const { type } = parseUrn(urn);
      const outputs = request.getPreview()
        ? operations.previewUpdate(type, id, urn, fromStruct(request.getOlds()), news)
        : (await operations.update(type, id, urn, news)).outputs;
      response.setProperties(toStruct(outputs));
      return response;
    }),
    delete: answer(async (request: messages.DeleteRequest) => {
      await operations.delete(parseUrn(request.getUrn()).type, request.getId(), request.getUrn());
      return new empty.Empty();
    }),
    construct: answer(construct),
  };
}

/** Serves `awsx:ec2:Vpc`, the one component that the program takes from a package. */
async function construct(request: messages.ConstructRequest): Promise<messages.ConstructResponse> {
  const type = request.getType();
  if (type !== "awsx:ec2:Vpc")
    throw new Error(
      `The local AWS does not know the component ${type}; it serves awsx:ec2:Vpc (local/provider/vpc.ts)`,
    );
  const provider = request.getProvidersMap().get("aws") ?? "";
  const monitor = new ResourceMonitor(request.getMonitorendpoint(), (registration) => {
    if (request.hasProtect()) registration.setProtect(request.getProtect() === true);
    if (request.hasRetainondelete()) registration.setRetainondelete(request.getRetainondelete() === true);
    if (!registration.getCustom()) return;
    registration.setProvider(provider);
    registration.setVersion(awsVersion);
  });
  try {
    const component = await monitor.register({
      type,
      name: request.getName(),
      parent: request.getParent(),
      dependsOn: request.getDependenciesList(),
      aliases: request.getAliasesList(),
    });
    const inputs = unwrap(request.getInputs()?.toJavaScript() ?? {}) as Properties;
    const state = await registerVpc(monitor, component.urn, request.getName(), inputs);
    await monitor.registerOutputs(component.urn, state);
    const response = new messages.ConstructResponse();
    response.setUrn(component.urn);
    response.setState(toStruct(state));
    return response;
  } finally {
    monitor.close();
  }
}

function diffResponse({
  changes,
  replaces,
  deleteBeforeReplace,
}: ReturnType<typeof findDifference>): messages.DiffResponse {
  const response = new messages.DiffResponse();
  const { DIFF_SOME, DIFF_NONE } = messages.DiffResponse.DiffChanges;
  const { Kind } = messages.PropertyDiff;
  response.setChanges(changes.size > 0 ? DIFF_SOME : DIFF_NONE);
  response.setDiffsList([...changes.keys()]);
  response.setReplacesList([...replaces]);
  response.setDeletebeforereplace(deleteBeforeReplace);
  response.setHasdetaileddiff(true);
  const kinds = {
    add: [Kind.ADD, Kind.ADD_REPLACE],
    delete: [Kind.DELETE, Kind.DELETE_REPLACE],
    update: [Kind.UPDATE, Kind.UPDATE_REPLACE],
  } as const;
  for (const [property, change] of changes) {
    const diff = new messages.PropertyDiff();
    diff.setKind(kinds[change][replaces.includes(property) ? 1 : 0]);
    diff.setInputdiff(true);
    response.getDetaileddiffMap().set(property, diff);
  }
  return response;
}

/** Turns an async function into a gRPC handler; what it throws is what the user reads. */
function answer<Request, Response>(handle: (request: Request) => Promise<Response>) {
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
    handle(call.request).then(
      (response) => callback(null, response),
      (error: Error) => callback(toServiceError(error)),
    );
  };
}

function toServiceError(error: Error): Partial<ServiceError> {
  const metadata = new Metadata();
  if (error instanceof Unsettled) metadata.add("grpc-status-details-bin", initFailure(error));
  return { code: status.UNKNOWN, details: error.message, metadata };
}

/** Tells the engine that the resource exists, so that it is kept in the state, and why it is not as it should be. */
function initFailure({ message, outcome }: Unsettled): Buffer {
  const failure = new messages.ErrorResourceInitFailed();
  failure.setId(outcome.id);
  failure.setProperties(toStruct(outcome.outputs));
  failure.setInputs(toStruct(outcome.inputs));
  failure.setReasonsList([message]);
  const details = new any.Any();
  details.pack(failure.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const response = new statusMessages.Status();
  response.setCode(status.UNKNOWN);
  response.setMessage(message);
  response.addDetails(details);
  return Buffer.from(response.serializeBinary());
}

function fromStruct(value: struct.Struct | undefined): Properties {
  return (value?.toJavaScript() ?? {}) as Properties;
}
