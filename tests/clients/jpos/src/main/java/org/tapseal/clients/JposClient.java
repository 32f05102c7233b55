package org.tapseal.clients;

import java.io.IOException;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import javax.crypto.Cipher;
import javax.crypto.spec.SecretKeySpec;
import org.jpos.iso.BaseChannel;
import org.jpos.iso.ISOException;
import org.jpos.iso.ISOMsg;
import org.jpos.iso.ISOPackager;
import org.jpos.iso.ISOUtil;
import org.jpos.iso.channel.ASCIIChannel;
import org.jpos.iso.channel.NACChannel;
import org.jpos.iso.packager.ISO87APackager;
import org.jpos.iso.packager.ISO87BPackager;

/**
 * An ordinary ISO 8583 client of the bank front's plain port, made of jPOS's own packagers and channels.
 *
 * <p>It does what tests/clients/pyiso8583_client.py does, and prints one line of JSON for each answer. What it is to do
 * comes as lines of NAME=VALUE on standard input.
 */
public final class JposClient {
    private static final int ANSWER_MS_MAX = 20_000;

    private final Map<String, String> wanted;
    private final BaseChannel channel;
    private final String transmitted = now("MMddHHmmss");
    private byte[] pinKey;
    private int stan;

    private JposClient(Map<String, String> wanted) throws IOException {
        this.wanted = wanted;
        String[] address = wanted.get("address").split(":");
        int port = Integer.parseInt(address[1]);
        ISOPackager packager = wanted.get("encoding").equals("bcd") ? new ISO87BPackager() : new ISO87APackager();
        channel = wanted.get("framing").equals("ascii4")
                ? new ASCIIChannel(address[0], port, packager)
                : new NACChannel(address[0], port, packager, new byte[0]);
        channel.setTimeout(ANSWER_MS_MAX);
        channel.connect();
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, String> wanted = new HashMap<>();
        for (String line : new String(System.in.readAllBytes()).split("\n")) {
            String[] parts = line.split("=", 2);
            wanted.put(parts[0], parts[1]);
        }
        new JposClient(wanted).run();
    }

    private void run() throws Exception {
        tell("early", message("0100"));
        tell("sign_on", message("0800", 70, "001"));
        tell("echo", message("0800", 70, "301"));
        pinKey = newKey("PIN");
        ISOMsg hold = presented("0100", 5000, wanted.get("icc_data_0"));
        tell("hold", hold);
        tell("complete", about("0220", hold, 3000));
        ISOMsg debit = presented("0200", 1280, wanted.get("icc_data_1"));
        tell("debit", debit);
        tell("debit_repeated", retyped(debit, "0201"));
        ISOMsg reversal = about("0420", debit, 1280);
        tell("reverse", reversal);
        tell("reverse_repeated", retyped(reversal, "0421"));
        ISOMsg refund = about("0200", hold, 1000);
        refund.set(3, "200000");
        tell("refund", refund);
        tell("totals", message("0500", 15, now("MMdd"), 50, "840", 76, "0000000002", 88, "0000000000004280"));
        tell("sign_off", message("0800", 70, "002"));
        channel.disconnect();
    }

    /** Fields come as number and value in turns. */
    private ISOMsg message(String mti, Object... fields) throws ISOException {
        stan++;
        ISOMsg message = new ISOMsg(mti);
        message.set(7, transmitted);
        message.set(11, ISOUtil.zeropad(stan, 6));
        message.set(32, wanted.get("acquirer"));
        for (int at = 0; at < fields.length; at += 2) {
            message.set((Integer) fields[at], (String) fields[at + 1]);
        }
        return message;
    }

    private ISOMsg payment(String mti, int minor) throws ISOException {
        ISOMsg message = message(mti, 3, "000000", 4, ISOUtil.zeropad(minor, 12), 41, "JPTERM01", 49, "840");
        message.set(37, "6" + ISOUtil.zeropad(stan, 11));
        return message;
    }

    /** The card in the slot, with its PIN in a block of format 0 under the acquirer's working key. */
    private ISOMsg presented(String mti, int minor, String iccData) throws Exception {
        ISOMsg message = payment(mti, minor);
        String pan = wanted.get("pan");
        message.set(2, pan);
        message.set(14, wanted.get("expiry_yymm"));
        message.set(22, "051");
        message.set(23, wanted.get("psn"));
        String pin = wanted.get("pin");
        byte[] pinField = ISOUtil.hex2byte(ISOUtil.strpadf("0" + pin.length() + pin, 16));
        byte[] panField = ISOUtil.hex2byte("0000" + pan.substring(pan.length() - 13, pan.length() - 1));
        message.set(52, tripleDes(Cipher.ENCRYPT_MODE, pinKey, ISOUtil.xor(pinField, panField)));
        message.set(53, "2001000100000000");
        // ISO87APackager's DE 55 is characters; the others' can be any bytes.
        if (wanted.get("encoding").equals("bcd")) {
            message.set(55, ISOUtil.hex2byte(iccData));
        } else {
            message.set(55, iccData);
        }
        return message;
    }

    /** A message about another: DE 90 names it, with DE 37 and 41 as they were. */
    private ISOMsg about(String mti, ISOMsg original, int minor) throws ISOException {
        ISOMsg message = payment(mti, minor);
        message.set(37, original.getString(37));
        String acquirer = ISOUtil.zeropad(wanted.get("acquirer"), 11);
        message.set(90, original.getMTI() + original.getString(11) + original.getString(7) + acquirer + "00000000000");
        return message;
    }

    private ISOMsg retyped(ISOMsg message, String mti) throws ISOException {
        ISOMsg other = (ISOMsg) message.clone();
        other.setMTI(mti);
        return other;
    }

    private byte[] newKey(String name) throws Exception {
        ISOMsg answer = tell("key_change_" + name, message("0800", 70, "101", 48, name));
        String[] told = answer.getString(48).split(" ");
        byte[] key = tripleDes(Cipher.DECRYPT_MODE, ISOUtil.hex2byte(wanted.get("zone_master_key")),
                ISOUtil.hex2byte(told[1]));
        byte[] kcv = Arrays.copyOf(tripleDes(Cipher.ENCRYPT_MODE, key, new byte[8]), 3);
        if (!told[0].equals(name) || !ISOUtil.hexString(kcv).equals(told[2])) {
            throw new IllegalStateException("the " + name + " key is not what its check value says");
        }
        return key;
    }

    private static byte[] tripleDes(int mode, byte[] key, byte[] data) throws Exception {
        byte[] three = Arrays.copyOf(key, 24);
        System.arraycopy(key, 0, three, 16, 8);
        Cipher cipher = Cipher.getInstance("DESede/ECB/NoPadding");
        cipher.init(mode, new SecretKeySpec(three, "DESede"));
        return cipher.doFinal(data);
    }

    private ISOMsg tell(String step, ISOMsg message) throws Exception {
        channel.send(message);
        ISOMsg answer = channel.receive();
        System.out.println("{\"step\":" + text(step) + ",\"mti\":" + text(answer.getMTI())
                + ",\"code\":" + field(answer, 39) + ",\"approval\":" + field(answer, 38)
                + ",\"words\":" + field(answer, 44) + ",\"for_the_card\":" + issuerData(answer)
                + ",\"settled\":" + field(answer, 66) + "}");
        return answer;
    }

    private String issuerData(ISOMsg answer) {
        if (!answer.hasField(55) || !wanted.get("encoding").equals("bcd")) {
            return field(answer, 55);
        }
        return text(ISOUtil.hexString(answer.getBytes(55)));
    }

    private static String field(ISOMsg answer, int number) {
        return answer.hasField(number) ? text(answer.getString(number)) : "null";
    }

    private static String text(String plain) {
        return '"' + plain + '"';
    }

    private static String now(String pattern) {
        return LocalDateTime.now(ZoneOffset.UTC).format(DateTimeFormatter.ofPattern(pattern));
    }
}
