    0  r2 = *(u32 *)(r1 +0)                        ; data
    1  r3 = *(u32 *)(r1 +4)                        ; data_end
entry:
    2  r4 = &seen[0]                               ; v0 moved
    4  r5 = &built[0]                              ; v0 moved
    6  r4 = *(u64 *)(r4 +0)                        ; v0 moved
    7  r5 = *(u64 *)(r5 +0)                        ; v0 moved
    8  if r4 != r5 -> cold                         
hot:
    9  r4 = r2                                     ; v32 bound
   10  r4 += 0x22                                  ; v32 bound
   11  if r4 > r3 -> punt short                    ; v32 bound
   12  r4 = *(u64 *)(r2 +0)                        ; v3 load.le
   13  r4 <<= 0x10                                 ; v5 and
   14  r5 = 0x605040302ee0000 ll                   ; v35 guard
   16  if r4 != r5 -> punt other-host              ; v35 guard
   17  r4 = *(u16 *)(r2 +12)                       ; v8 load
   18  r4 = be16 r4                                ; v8 load
   19  if w4 != 0x800 -> punt not-ip               ; v37 guard
   20  r4 = *(u16 *)(r2 +20)                       ; v11 load.le
   21  if w4 & 0xff3f -> punt fragment             ; v39 guard
   22  r4 = *(u32 *)(r2 +14)                       ; v14 load.le
   23  r5 = *(u32 *)(r2 +18)                       ; v15 load.le
   24  w4 &= 0xffff                                ; v16 and
   25  w5 &= 0xffff                                ; v17 and
   26  w4 += w5                                    ; v18 add
   27  w4 *= 0x10001                               ; v43 guard
   28  if w4 < 0xfffffffe -> punt header-checksum  ; v43 guard
   29  r3 -= r2                                    ; v22 meta
   30  r4 = *(u16 *)(r2 +16)                       ; v23 load
   31  r4 = be16 r4                                ; v23 load
   32  if w4 > w3 -> punt length                   ; v44 guard
   33  r3 = be16 r3                                ; v46 store
   34  *(u16 *)(r2 +16) = r3                       ; v46 store
   35  call FnGetSmpProcessorId                    ; count fast
   36  w0 <<= 0xb                                  
   37  w0 &= 0x800                                 
   38  r2 = &stats[1024]                           
   40  r2 += r0                                    
   41  r3 = *(u64 *)(r2 +0)                        
   42  r3 += 0x1                                   
   43  *(u64 *)(r2 +0) = r3                        
   44  r1 = 0x7                                    ; redirect
   45  r2 = 0x0                                    
   46  call FnRedirect                             
   47  exit                                        
cold:
   48  r2 = &seen[8]                               ; v30 moved
   50  r3 = &built[8]                              ; v30 moved
   52  r2 = *(u64 *)(r2 +0)                        ; v30 moved
   53  r3 = *(u64 *)(r3 +0)                        ; v30 moved
   54  if r2 != r3 -> punt moved                   ; v49 guard
   55  goto -> punt short                          
punt moved:
   56  call FnGetSmpProcessorId                    
   57  r2 = 0x8                                    
   58  goto -> count and pass                      
punt short:
   59  call FnGetSmpProcessorId                    
   60  r2 = 0x10                                   
   61  goto -> count and pass                      
punt other-host:
   62  call FnGetSmpProcessorId                    
   63  r2 = 0x18                                   
   64  goto -> count and pass                      
punt not-ip:
   65  call FnGetSmpProcessorId                    
   66  r2 = 0x20                                   
   67  goto -> count and pass                      
punt length:
   68  call FnGetSmpProcessorId                    
   69  r2 = 0x38                                   
   70  goto -> count and pass                      
punt fragment:
   71  call FnGetSmpProcessorId                    
   72  r2 = 0x40                                   
   73  goto -> count and pass                      
punt header-checksum:
   74  call FnGetSmpProcessorId                    
   75  r2 = 0x48                                   
count and pass:
   76  w0 <<= 0xb                                  
   77  w0 &= 0x800                                 
   78  r3 = &stats[0]                              
   80  r3 += r0                                    
   81  r3 += r2                                    
   82  r2 = *(u64 *)(r3 +0)                        
   83  r2 += 0x1                                   
   84  *(u64 *)(r3 +0) = r2                        
   85  r0 = 0x2                                    
   86  exit                                        
