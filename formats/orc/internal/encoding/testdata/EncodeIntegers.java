import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.nio.ByteBuffer;

import org.apache.orc.PhysicalWriter;
import org.apache.orc.impl.OutStream;
import org.apache.orc.impl.RunLengthIntegerWriterV2;
import org.apache.orc.impl.writer.StreamOptions;

/** Encodes streams of integers: IN holds a flag (signed), a count and values each; OUT gets a length and bytes each. */
public class EncodeIntegers {
  public static void main(String[] args) throws Exception {
    try (DataInputStream in = new DataInputStream(new BufferedInputStream(new FileInputStream(args[0])));
         DataOutputStream out = new DataOutputStream(new BufferedOutputStream(new FileOutputStream(args[1])))) {
      int flag;
      while ((flag = in.read()) >= 0) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PhysicalWriter.OutputReceiver receiver = new PhysicalWriter.OutputReceiver() {
          @Override
          public void output(ByteBuffer b) {
            bytes.write(b.array(), b.arrayOffset() + b.position(), b.remaining());
          }

          @Override
          public void suppress() {
          }
        };
        OutStream stream = new OutStream("test", new StreamOptions(1 << 16), receiver);
        RunLengthIntegerWriterV2 writer = new RunLengthIntegerWriterV2(stream, flag == 1, true);
        int n = in.readInt();
        for (int i = 0; i < n; i++) {
          writer.write(in.readLong());
        }
        writer.flush();
        stream.flush();
        out.writeInt(bytes.size());
        bytes.writeTo(out);
      }
    }
  }
}
