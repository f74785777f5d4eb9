import { type Client, credentials } from "@grpc/grpc-js";
import engineServices from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineMessages from "@pulumi/pulumi/proto/engine_pb.js";
import resourceServices from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import resourceMessages from "@pulumi/pulumi/proto/resource_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import type aliasMessages from "@pulumi/pulumi/proto/alias_pb.js";
import type { Properties } from "../aws/record.ts";
import { unknown } from "./values.ts";

/** Engine messages carry whole resources: the 4 MB that gRPC allows by default are not enough. */
export const messageLimits = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };

/** The console of the engine that is attached. */
export class EngineLog {
  readonly #client;

  constructor(address: string) {
    this.#client = new engineServices.EngineClient(address, credentials.createInsecure(), messageLimits);
  }

  /** Shows a warning beside the resource, or beside the stack. Never fails: the engine may be gone by now. */
  warn(message: string, urn = ""): void {
    const request = new engineMessages.LogRequest();
    request.setSeverity(engineMessages.LogSeverity.WARNING);
    request.setMessage(message);
    request.setUrn(urn);
    this.#client.log(request, () => {});
  }

  close(): void {
    (this.#client as unknown as Client).close();
  }
}

export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly parent: string;
  readonly inputs?: Properties;
  readonly dependsOn?: readonly string[];
  readonly aliases?: aliasMessages.Alias[];
}

export interface Registered {
  readonly urn: string;
  readonly id: string;
  readonly outputs: Properties;
}

/** Registers resources with the engine on behalf of a component. */
export class ResourceMonitor {
  readonly #client;
  readonly #configure: (request: resourceMessages.RegisterResourceRequest) => void;

  /** @param configure sets what all registrations share. */
  constructor(address: string, configure: (request: resourceMessages.RegisterResourceRequest) => void) {
    this.#client = new resourceServices.ResourceMonitorClient(address, credentials.createInsecure(), messageLimits);
    this.#configure = configure;
  }

  /** Registers a resource; without inputs it is a component. */
  register({ type, name, parent, inputs, dependsOn = [], aliases = [] }: Registration): Promise<Registered> {
    const request = new resourceMessages.RegisterResourceRequest();
    request.setType(type);
    request.setName(name);
    request.setParent(parent);
    request.setCustom(inputs !== undefined);
    request.setObject(toStruct(inputs ?? {}));
    request.setDependenciesList([...dependsOn]);
    request.setAliasesList(aliases);
    request.setAliasspecs(true);
    request.setAcceptsecrets(true);
    request.setSupportspartialvalues(true);
    this.#configure(request);
    return new Promise((resolve, reject) => {
      this.#client.registerResource(request, (error, response) => {
        if (error) reject(new Error(error.details));
        else
          resolve({
            urn: response.getUrn(),
            // A preview of a new resource has no id yet.
            id: response.getId() || unknown,
            outputs: (response.getObject()?.toJavaScript() ?? {}) as Properties,
          });
      });
    });
  }

  registerOutputs(urn: string, outputs: Properties): Promise<void> {
    const request = new resourceMessages.RegisterResourceOutputsRequest();
    request.setUrn(urn);
    request.setOutputs(toStruct(outputs));
    return new Promise((resolve, reject) => {
      this.#client.registerResourceOutputs(request, (error) => (error ? reject(new Error(error.details)) : resolve()));
    });
  }

  close(): void {
    (this.#client as unknown as Client).close();
  }
}

/** Properties for the wire, which knows no undefined. */
export function toStruct(value: Properties): struct.Struct {
  return struct.Struct.fromJavaScript(JSON.parse(JSON.stringify(value)) as Record<string, struct.JavaScriptValue>);
}
